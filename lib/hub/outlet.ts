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

/** Called when the socket has taken a write, or cannot. */
export type WriteDone = (error?: Error | null) => void;

/** How one connection is written to, whatever kind it is. It keeps no queue. */
export interface Outlet {
  readonly isOpen: boolean;
  /** Nobody else is in the middle of a message of his own. */
  readonly isFree: boolean;
  /** Messages it takes in one piece. */
  readonly mostAtOnce: number;
  /**
   * @param done - called, once, unless the socket has taken all of it at once
   * @returns whether it has
   */
  write(items: readonly Outgoing[], done: WriteDone): boolean;
  /** @returns false when it cannot be pinged */
  ping(): boolean;
  close(code: number, reason: string): void;
  terminate(): void;
}
