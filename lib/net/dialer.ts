import type { Duplex } from 'node:stream';
import type { Network } from './address.js';

/**
 * How connections are made, where the pool's own way will not do.
 *
 * @example
 * const throughProxy: Dialer = {
 *   dial: (network, address, { signal }) => connectThroughProxy(address, signal),
 * };
 */
export interface Dialer {
  /**
   * @param address - `host:port`, `[v6]:port` or a path, as `host` has rewritten it
   * @param context - its signal aborts at `connectTimeout`
   * @returns a connected stream; for UDP one whose reads are datagrams
   */
  dial(network: Network, address: string, context: { signal: AbortSignal }): Duplex | Promise<Duplex>;
}
