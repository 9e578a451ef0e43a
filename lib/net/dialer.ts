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
   * @returns a stream of its own, which is waited for if it connects still; for UDP one whose reads are datagrams. What it
   *   has received by then is the first borrower's
   */
  dial(network: Network, address: string, context: { signal: AbortSignal }): Duplex | Promise<Duplex>;
}
