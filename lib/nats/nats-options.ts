import * as v from 'valibot';
import {
  type BackplaneTimes,
  isServerUrl,
  prefixField,
  resolveBackplaneOptions,
  TIME_FIELDS,
} from '../hub/backplane-fields.js';
import type { NatsLike } from './nats-client.js';

/** How instances find each other over NATS. */
export interface NatsBackplaneOptions extends BackplaneTimes {
  /**
   * `nats://` or `tls://`, with user and password, or a token; several of one cluster separated by commas. Needs
   * `@nats-io/transport-node` to be installed.
   */
  url?: string;
  /**
   * In place of `url`: connects with `@nats-io/transport-node`. Called at the start and whenever the connection has to be
   * made anew; the backplane closes it. Best with `reconnect: false`, for it does that itself.
   */
  client?: () => Promise<NatsLike>;
  /** Before the names of subjects. Default `'hub'`. */
  prefix?: string;
}

/** The options complete, in milliseconds. */
export interface ResolvedNatsOptions {
  readonly url?: string | undefined;
  readonly client?: (() => Promise<NatsLike>) | undefined;
  readonly prefix: string;
  readonly lease: number;
  readonly probe: number;
  readonly timeout: number;
}

const FIELDS = {
  url: v.optional(v.custom<string>(areNatsUrls, 'nats://host:port or tls://host:port')),
  client: v.optional(v.custom<() => Promise<NatsLike>>((value) => typeof value === 'function', 'a function')),
  prefix: prefixField(
    /^(?=.{1,64}$)[\w-]+(\.[\w-]+)*$/,
    'a text of 1 to 64 letters, digits, "-" and "_", with dots between',
  ),
  ...TIME_FIELDS,
};

/** @throws InvalidOptionsError with every bad field, and without the value of `url` */
export function resolveNatsOptions(options: NatsBackplaneOptions): ResolvedNatsOptions {
  return resolveBackplaneOptions(FIELDS, options);
}

function areNatsUrls(value: unknown): boolean {
  return (
    typeof value === 'string' && value.split(',').every((each) => isServerUrl(each.trim(), ['nats:', 'tls:']))
  );
}
