import { Inject } from '@nestjs/common';
import { getPoolToken } from './conn-pool.tokens.js';
import { noteInjection } from './pool-injections.js';

/**
 * Injects a pool by its name.
 *
 * @param name - default `'default'`
 *
 * @example
 * @Injectable()
 * class EchoService {
 *   constructor(@InjectPool('thrift') private readonly pool: ConnPool<Gateway.Client>) {}
 * }
 */
export const InjectPool = (name?: string): ReturnType<typeof Inject> => {
  const inject = Inject(getPoolToken(name));
  return (target: object, key: string | symbol | undefined, index?: number) => {
    noteInjection(target, name, index ?? key);
    (inject as (target: object, key?: string | symbol, index?: number) => void)(target, key, index);
  };
};
