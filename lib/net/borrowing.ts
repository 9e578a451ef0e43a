import type { Duplex } from 'node:stream';
import type { Listener } from './socket-watches.js';

/** More listeners are not remembered one by one. */
const MOST_ADDED = 32;

/** What somebody who has a socket raw does with it. */
export class Borrowing {
  /** More listeners were put on it than are remembered. */
  addedMany = false;
  /** It was listened to for bytes, be it for a while. */
  wanted = false;
  /** Somebody has begun to listen for more since bytes came last. */
  private asking = false;
  /** How much had been written when it was lent. */
  private lentAt = 0;
  /** How much had been written when bytes came last, or when it was lent. */
  private answeredUpTo = 0;
  /** What was put on it first; mostly there is nothing else. */
  private event: string | symbol | undefined = undefined;
  private listener: Listener | undefined = undefined;
  /** The others: event and listener in turn. */
  private others: (string | symbol | Listener)[] | undefined = undefined;

  /** @param written - how much had been written to the socket when it was lent, as in what follows */
  begin(written: number): void {
    this.lentAt = this.answeredUpTo = written;
  }

  added(event: string | symbol, listener: Listener): void {
    if (this.listener === undefined) {
      this.event = event;
      this.listener = listener;
      return;
    }
    this.others ??= [];
    if (this.others.length < 2 * (MOST_ADDED - 1)) this.others.push(event, listener);
    else this.addedMany = true;
  }

  /** @param forMore - nothing is there to be read */
  listens(forMore: boolean): void {
    this.wanted = true;
    if (forMore) this.asking = true;
  }

  /** Bytes have come. */
  answered(written: number): void {
    this.answeredUpTo = written;
    this.asking = false;
  }

  /** Of one who listened: he has asked and waits for an answer, or has heard a part of one and waits for more, or has given that up. */
  isAwaiting(written: number): boolean {
    return written > this.answeredUpTo || (this.asking && written > this.lentAt);
  }

  /** Of one that is over nothing is kept, whoever keeps it. */
  forget(): void {
    this.event = this.listener = this.others = undefined;
  }

  removeAddedFrom(socket: Duplex): void {
    const { event, listener, others } = this;
    if (listener === undefined) return;
    this.forget();
    socket.off(event as string, listener);
    if (others === undefined) return;
    for (let at = 0; at < others.length; at += 2)
      socket.off(others[at] as string, others[at + 1] as Listener);
  }
}
