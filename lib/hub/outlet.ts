import type { Message } from './message.js';

/** A message on its way to one connection. */
export interface Outgoing {
  readonly message: Message;
  /** For the policy 'conflate'. */
  readonly key: string | undefined;
  /** The connection's socket has taken it. */
  taken(): void;
  /** It will not be written to this connection. */
  refused(reason: Refusal): void;
}

/** Why a message was not written: what waited was too much, a newer one took its place, or the connection is gone. */
export type Refusal = 'slow' | 'conflated' | 'closed';

/** Who is told what became of a write that was not taken at once. */
export interface WriteWaiter {
  /** The socket has taken it, or cannot. */
  onDone(items: readonly Outgoing[], error: Error | null | undefined): void;
}

/** How one connection is written to, whatever kind it is. It keeps no queue. */
export interface Outlet {
  readonly isOpen: boolean;
  /** What the peer has closed it with, as far as that is known. */
  readonly closeCode: number;
  /** Nobody else is in the middle of a message of his own. */
  readonly isFree: boolean;
  /** Bytes it was given that have not gone any further, as far as can be seen. */
  readonly unwritten: number;
  /** Messages it takes in one piece. */
  readonly mostAtOnce: number;
  /**
   * @param waiter - told, unless the socket has taken all of it at once
   * @returns whether it has
   */
  write(items: readonly Outgoing[], waiter: WriteWaiter): boolean;
  /** @returns false when it cannot be pinged */
  ping(): boolean;
  close(code: number, reason: string): void;
  terminate(): void;
}
