import { isIP } from 'node:net';
import { InvalidAddressError, UnsupportedNetworkError } from './net-errors.js';

const NETWORKS = ['tcp', 'tcp4', 'tcp6', 'tls', 'udp', 'udp4', 'udp6', 'unix'] as const;

/** What a socket pool dials. The 4 and the 6 stand for the version of the Internet protocol; without, either will do. */
export type Network = (typeof NETWORKS)[number];

/** Where a connection goes: `host:port`, `[v6]:port`, or a path for `unix`. */
export interface Address {
  readonly network: Network;
  readonly address: string;
}

/** Where all networks but `unix` go. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
  readonly family: 0 | 4 | 6;
}

/** An address taken apart. */
export type Endpoint = HostPort | { readonly path: string };

/** Labels of a host name; what is not ASCII is for Node to translate. */
const HOST = /^[-\w\u00a1-\uffff]+(\.[-\w\u00a1-\uffff]+)*\.?$/;

/** Most systems hold no longer one. */
const LONGEST_PATH = 107;

/**
 * Takes an address apart, before any socket exists.
 *
 * @throws UnsupportedNetworkError, InvalidAddressError
 */
export function parseAddress(pool: string, network: Network, address: string): Endpoint {
  if (!NETWORKS.includes(network)) throw new UnsupportedNetworkError(pool, network, address, NETWORKS);
  const bad = (allowed: string): never => {
    throw new InvalidAddressError(pool, network, address, allowed);
  };
  if (typeof address !== 'string' || address === '') {
    return bad(network === 'unix' ? 'the path of a socket' : 'host:port or [v6]:port');
  }
  if (network === 'unix') {
    return Buffer.byteLength(address) > LONGEST_PATH
      ? bad(`a path of at most ${LONGEST_PATH} bytes`)
      : { path: address };
  }
  const [, bracketed, plain, digits = ''] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || host === '') return bad('host:port or [v6]:port');
  if (bracketed !== undefined && isIP(bracketed) !== 6) return bad('an IPv6 address between the brackets');
  if (plain !== undefined && (!HOST.test(plain) || /\s/.test(plain)))
    return bad('a host name before the port');
  const port = Number(digits);
  if (port < 1 || port > 65535 || digits.startsWith('0'))
    return bad('a port from 1 to 65535 in plain digits');
  const family = familyOf(network);
  const version = isIP(host);
  if (family !== 0 && version !== 0 && version !== family) return bad(`a host of IPv${family}`);
  return { host, port, family };
}

/** `host:port`, or `[v6]:port`. */
export function joinHostPort(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

function familyOf(network: Network): 0 | 4 | 6 {
  if (network.endsWith('4')) return 4;
  return network.endsWith('6') ? 6 : 0;
}
