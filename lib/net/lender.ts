import type { Duplex } from 'node:stream';
import type { AcquireOptions, Lease } from '../core/index.js';
import type { Setup } from './socket-face.js';
import type { SocketWatch } from './socket-watch.js';
import type { Target } from './target.js';

/** A connection in somebody's hands, with the pool's eyes on it. */
export interface Loan {
  readonly lease: Lease<Duplex>;
  readonly watch: SocketWatch;
}

/** The pool a socket comes from. */
export interface Lender {
  readonly name: string;
  /** As it sets up each of its sockets, and how long `close()` waits for pending writes, in milliseconds. */
  readonly setup: Setup & { readonly flushTimeout: number };
  /** Dials once more, for one whose connection turned out dead. */
  redial(target: Target, options: AcquireOptions): Promise<Loan>;
}
