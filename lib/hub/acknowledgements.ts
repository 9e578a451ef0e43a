import type { AckPush } from './delivery.js';
import type { EqualDelays } from './equal-delays.js';
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

/** Of more of one connection the oldest is given up: a client may never acknowledge, and be asked to for ever. */
const MOST_AWAITED = 10_000;
/** Of what has been written only the number is of interest. */
const WRITTEN: Message = { payload: '', bytes: 0, binary: false, isJson: false, shared: true };

/** The numbers of one connection, and the written messages whose acknowledgement is awaited. */
export class Acknowledgements {
  private readonly awaited: Parcel[] = [];
  private lastOffset = 0;
  private acknowledgedUpTo = 0;
  private hasEnded = false;

  /** @param waiting - all that are awaited, of every connection, by their time */
  constructor(
    private readonly waiting: EqualDelays<Parcel>,
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
      this.awaited.push(parcel);
      this.waiting.add(parcel);
      if (this.awaited.length > MOST_AWAITED) this.giveUp(this.awaited[0] as Parcel);
    }
  }

  /** A client may say anything: what has no number yet is not acknowledged. */
  acknowledge(upTo: number): void {
    this.acknowledgedUpTo = Math.max(this.acknowledgedUpTo, Math.min(upTo, this.lastOffset));
    const count = this.awaited.findIndex(({ offset }) => offset > upTo);
    this.settle(this.awaited.splice(0, count === -1 ? this.awaited.length : count));
  }

  /** It has waited too long, or too many wait. */
  giveUp(parcel: Parcel): void {
    const at = this.awaited.indexOf(parcel);
    if (at === -1) return;
    this.awaited.splice(at, 1);
    this.waiting.delete(parcel);
    parcel.push.unacknowledged();
  }

  /** The connection has ended. */
  end(): void {
    this.hasEnded = true;
    const given = this.awaited.splice(0);
    for (const parcel of given) this.waiting.delete(parcel);
    for (const { push } of given) push.unacknowledged();
  }

  private settle(parcels: readonly Parcel[]): void {
    if (parcels.length === 0) return;
    this.onAcked(parcels.length);
    for (const parcel of parcels) this.waiting.delete(parcel);
    for (const { push } of parcels) push.acknowledged();
  }
}

/** A numbered message on its way to one connection. */
export class Parcel implements Outgoing {
  isRefused = false;

  constructor(
    public message: Message,
    readonly key: string | undefined,
    readonly offset: number,
    readonly push: AckPush,
    private readonly acknowledgements: Acknowledgements,
  ) {}

  taken(): void {
    this.message = WRITTEN;
    this.push.written();
    this.acknowledgements.await(this);
  }

  giveUp(): void {
    this.acknowledgements.giveUp(this);
  }

  refused(reason: Refusal): void {
    this.isRefused = true;
    this.push.refused(reason);
  }
}
