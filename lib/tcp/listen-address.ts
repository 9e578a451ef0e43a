import { isIP } from 'node:net';
import { joinHostPort } from '../net/address.js';

/** Where a server listens. */
export interface ListenAddress {
  /** `''` = every address of the machine. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
}

/** `host:port`, `[v6]:port` or `:port`; `undefined` when it is none. */
export function parseListenAddress(address: unknown): ListenAddress | undefined {
  if (typeof address !== 'string') return undefined;
  const [, bracketed, plain, digits = ''] = /^(?:\[([^[\]]*)\]|([^:[\]\s]*)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) return undefined;
  return bracketed !== undefined && isIP(bracketed) !== 6 ? undefined : { host, port };
}

export function showListenAddress({ host, port }: ListenAddress): string {
  return host === '' ? `:${port}` : joinHostPort(host, port);
}
