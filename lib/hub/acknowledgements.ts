import type { AckPush } from './delivery.js';
import type { Message } from './message.js';
import type { Outgoing, Refusal } from './outlet.js';

/** What the client sends: all up to this number have arrived. */
const ACK = /^\s*\{\s*"ack"\s*:\s*(\d{1,15})\s*\}\s*$/;
/** Longer is none. */
const LONGEST_ACK = 64;

/** @returns up to which number a message acknowledges, `undefined` when it is no acknowledgement */
export function readAck(text: string): number | undefined {
  if (text.length > LONGEST_ACK) return undefined;
  const match = ACK.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** Whether it is worth reading as one: most of what comes in is longer. */
export function mayBeAck(bytes: number): boolean {
  return bytes <= LONGEST_ACK;
}

/** The numbers of one connection, and the written messages whose acknowledgement is awaited. */
export class Acknowledgements {
  private readonly awaited: Parcel[] = [];
  private lastOffset = 0;
  private acknowledgedUpTo = 0;
  private hasEnded = false;

  constructor(
    private readonly timeout: number,
    private readonly onAcked: (messages: number) => void,
  ) {}

  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  /** A message of this number stands in the queue. */
  use(offset: number): void {
    this.lastOffset = offset;
  }

  /** It has been written. Its acknowledgement may have come before the socket said so. */
  await(parcel: Parcel): void {
    if (parcel.offset <= this.acknowledgedUpTo) this.settle([parcel]);
    else if (this.hasEnded) parcel.push.unacknowledged();
    else {
      parcel.deadline = performance.now() + this.timeout;
      this.awaited.push(parcel);
    }
  }

  /** A client may say anything: what has no number yet is not acknowledged. */
  acknowledge(upTo: number): void {
    this.acknowledgedUpTo = Math.max(this.acknowledgedUpTo, Math.min(upTo, this.lastOffset));
    const count = this.awaited.findIndex(({ offset }) => offset > upTo);
    this.settle(this.awaited.splice(0, count === -1 ? this.awaited.length : count));
  }

  /** Gives up on those that have waited too long. They stand in the order in which they were written. */
  expire(now: number): void {
    while (this.awaited.length > 0 && (this.awaited[0] as Parcel).deadline <= now) {
      (this.awaited.shift() as Parcel).push.unacknowledged();
    }
  }

  /** The connection has ended. */
  end(): void {
    this.hasEnded = true;
    for (const { push } of this.awaited.splice(0)) push.unacknowledged();
  }

  private settle(parcels: readonly Parcel[]): void {
    if (parcels.length === 0) return;
    this.onAcked(parcels.length);
    for (const { push } of parcels) push.acknowledged();
  }
}

/** A numbered message on its way to one connection. */
export class Parcel implements Outgoing {
  deadline = Infinity;
  isRefused = false;

  constructor(
    readonly message: Message,
    readonly key: string | undefined,
    readonly offset: number,
    readonly push: AckPush,
    private readonly acknowledgements: Acknowledgements,
  ) {}

  taken(): void {
    this.push.written();
    this.acknowledgements.await(this);
  }

  refused(reason: Refusal): void {
    this.isRefused = true;
    this.push.refused(reason);
  }
}
