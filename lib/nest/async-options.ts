import type { InjectionToken, Provider, Type } from '@nestjs/common';
import type { AsyncOptions } from './module-options.js';

/**
 * The providers that make options out of `useFactory`, `useClass` or `useExisting`.
 *
 * @param token - what the options are provided under
 * @param method - the method of a factory class
 * @returns none when the registration says no way to make them
 */
export function asyncOptions<Method extends string, Options>(
  token: InjectionToken,
  { useFactory, useClass, useExisting, inject = [] }: AsyncOptions<Options, Record<Method, () => unknown>>,
  method: Method,
): Provider[] {
  if (useFactory !== undefined) return [{ provide: token, useFactory, inject }];
  const source: InjectionToken | undefined = useExisting ?? useClass;
  if (source === undefined) return [];
  const options: Provider = {
    provide: token,
    useFactory: (factory: Record<Method, () => unknown>) => factory[method](),
    inject: [source],
  };
  return useExisting === undefined ? [useClass as Type<unknown>, options] : [options];
}
