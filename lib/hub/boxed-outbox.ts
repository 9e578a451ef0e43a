import type { ExactPosition } from './box.js';
import { Greeting, type Hello } from './hello.js';
import { Outbox, type OutboxLimits, type OutboxOwner } from './outbox.js';
import type { Outgoing, Outlet, Refusal } from './outlet.js';
import type { Wire } from './wire.js';

/** A numbered message for one connection, which may have to wait for those before it. */
export interface Due {
  readonly at: ExactPosition;
  /** The connection was there when it was pushed. */
  readonly isOurs: boolean;
  /** Its turn has come. */
  make(): Outgoing;
  /** It is not written by itself: who wants it finds it in the box, if it is kept there. */
  refused(reason: Refusal): void;
}

/** A message out of the box. */
export interface Missed {
  readonly offset: number;
  make(): Outgoing;
}

/** Who fetches what is missing. */
export interface BoxReader {
  /** Messages before one that has come are missing; they may be on their way. */
  onGap(outbox: BoxedOutbox): void;
  /** Something is missing, and will not come by itself. */
  onMissing(outbox: BoxedOutbox): void;
  /** Numbers begin anew: acknowledgements of the old ones mean nothing. */
  onRenumbered(outbox: BoxedOutbox): void;
}

/**
 * The queue of one connection in a hub with a box: everything waits until the client has been told where its numbering
 * stands and has been sent what it missed; from then on numbered messages leave in the order of their numbers, each once.
 */
export class BoxedOutbox extends Outbox {
  reader: BoxReader | undefined = undefined;
  /** The last number that was queued; `undefined`: messages come without one. */
  private position: ExactPosition | undefined = undefined;
  /** Where it began without asking: what has a number up to here was not given to it. */
  private beginning = -1;
  /** Beginnings; what belongs to an earlier one goes on no more. */
  private beginnings = 0;
  private gated = true;
  private hasShut = false;
  private isMissing = false;
  /** What has no number, and waits for the gate. */
  private held: Outgoing[] = [];
  private heldBytes = 0;
  /** What has a number, and waits for the gate or for those before it; all of one numbering. */
  private readonly early = new Map<number, Due>();
  private earlyEpoch = '';

  constructor(
    outlet: Outlet,
    wire: Wire,
    private readonly bounds: OutboxLimits,
    private readonly holder: OutboxOwner,
  ) {
    super(outlet, wire, bounds, holder);
  }

  /** What the client has, or will have when its queue is written. */
  get at(): ExactPosition | undefined {
    return this.position;
  }

  /** It has not been told where it stands, or is being sent what it missed. */
  get isGated(): boolean {
    return this.gated;
  }

  get hasGap(): boolean {
    return this.early.size > 0;
  }

  override get length(): number {
    return super.length + this.held.length;
  }

  override get bytes(): number {
    return super.bytes + this.heldBytes;
  }

  override get isIdle(): boolean {
    return super.isIdle && this.held.length === 0;
  }

  /** A message without a number. */
  override offer(item: Outgoing): void {
    if (this.hasShut) return item.refused('closed');
    if (!this.gated) return super.offer(item);
    const { bytes } = item.message;
    const { maxQueueMessages, maxQueueBytes } = this.bounds;
    const isFull = this.held.length >= maxQueueMessages || this.heldBytes + bytes > maxQueueBytes;
    if (isFull && this.held.length > 0) {
      item.refused('slow');
      this.holder.onDropped('slow', 1, bytes);
      return;
    }
    this.held.push(item);
    this.heldBytes += bytes;
  }

  /** A message with a number. */
  offerDue(due: Due): void {
    if (this.hasShut) due.refused('closed');
    else if (this.gated) this.wait(due);
    else this.takeInOrder(due);
  }

  /** To be looked at again, when it has been sent what it misses already. */
  markMissing(): void {
    this.isMissing = true;
  }

  /** @returns whether it was to be looked at again */
  takeMissing(): boolean {
    const was = this.isMissing && !this.gated;
    if (was) this.isMissing = false;
    return was;
  }

  /**
   * Begins to send messages with numbers, from the newest on; those of them that have come already are sent.
   *
   * @param top - of the newest; `undefined`: there are no numbers for the time being
   */
  beginAt(top: ExactPosition | undefined, hello: Hello): void {
    if (this.hasShut) return;
    if (top === undefined) {
      this.restart(undefined);
      super.offer(new Greeting(hello));
    } else {
      const isOfThis = this.earlyEpoch === top.epoch;
      let { offset } = top;
      while (isOfThis && this.early.get(offset)?.isOurs === true) offset -= 1;
      this.restart({ epoch: top.epoch, offset });
      this.beginning = offset;
      super.offer(new Greeting({ epoch: top.epoch, offset, ...hello }));
    }
    this.open();
  }

  /**
   * Sends what was missed, and goes on with what has come meanwhile.
   *
   * @param from - where the client stands
   * @param hello - unless the client need not be told
   */
  replay(from: ExactPosition, missed: readonly Missed[], hello?: Hello): void {
    if (this.hasShut) return;
    this.gated = true;
    if (this.position?.epoch !== from.epoch) this.restart(from);
    if (hello !== undefined) super.offer(new Greeting(hello));
    this.replayOn(missed);
  }

  /** Nobody can say what was missed before those that wait. */
  skipGap(): void {
    const [first] = [...this.early.keys()].sort((a, b) => a - b);
    if (first === undefined || this.hasShut) return;
    const at = { epoch: this.earlyEpoch, offset: first - 1 };
    this.beginAt(at, { recovered: false });
  }

  override shut(reason: Refusal): { messages: number; bytes: number } {
    this.hasShut = true;
    const { held, heldBytes, early } = this;
    this.held = [];
    this.heldBytes = 0;
    const dues = [...early.values()];
    early.clear();
    const { messages, bytes } = super.shut(reason);
    for (const item of held) item.refused(reason);
    for (const due of dues) due.refused(reason);
    return { messages: messages + held.length, bytes: bytes + heldBytes };
  }

  private restart(at: ExactPosition | undefined): void {
    this.position = at;
    this.beginning = -1;
    this.beginnings += 1;
    this.reader?.onRenumbered(this);
  }

  /** In pieces, so that a small queue takes them. */
  private replayOn(missed: readonly Missed[]): void {
    const { maxQueueMessages, maxQueueBytes } = this.bounds;
    let count = 0;
    let bytes = 0;
    for (const { offset, make } of missed) {
      count += 1;
      const due = this.early.get(offset);
      // It has come by itself meanwhile.
      if (offset <= (this.position as ExactPosition).offset) continue;
      this.early.delete(offset);
      const item = due === undefined ? make() : due.make();
      bytes += item.message.bytes;
      const isLast = count === missed.length;
      const isPiece = !isLast && (count >= maxQueueMessages / 2 || bytes >= maxQueueBytes / 2);
      this.position = { epoch: (this.position as ExactPosition).epoch, offset };
      if (!isPiece) super.offer(item);
      else return super.offer(followedBy(item, this.goOn(missed.slice(count))));
    }
    this.open();
  }

  private goOn(missed: readonly Missed[]): () => void {
    const { beginnings } = this;
    return () => {
      if (beginnings === this.beginnings) this.replayOn(missed);
    };
  }

  private open(): void {
    if (this.hasShut) return;
    this.gated = false;
    const dues = [...this.early.values()].sort((a, b) => a.at.offset - b.at.offset);
    this.early.clear();
    for (const due of dues) this.takeInOrder(due);
    const { held } = this;
    this.held = [];
    this.heldBytes = 0;
    for (const item of held) this.offer(item);
    if (this.isMissing) this.tellMissing();
  }

  private takeInOrder(due: Due): void {
    const { position } = this;
    const { epoch, offset } = due.at;
    // Numbers are back.
    if (position === undefined) return this.beginWith(due);
    if (position.epoch !== epoch) return this.giveUp(due);
    if (offset > position.offset + 1) return this.wait(due);
    if (offset === position.offset + 1) {
      this.pass(due);
      this.passThoseBehind();
      // It was on its way while the client was told where it stands; so are those between.
    } else if (due.isOurs && position.offset === this.beginning) this.beginWith(due);
    else due.refused('closed');
  }

  private beginWith(due: Due): void {
    const { epoch, offset } = due.at;
    this.position = { epoch, offset: offset - 1 };
    this.beginning = -1;
    super.offer(new Greeting(this.position));
    this.pass(due);
  }

  private pass(due: Due): void {
    this.position = due.at;
    super.offer(due.make());
  }

  private passThoseBehind(): void {
    for (;;) {
      const next = this.early.get((this.position as ExactPosition).offset + 1);
      if (next === undefined) return;
      this.early.delete(next.at.offset);
      this.pass(next);
    }
  }

  private wait(due: Due): void {
    const { epoch, offset } = due.at;
    if (this.early.size === 0) this.earlyEpoch = epoch;
    const isFull = this.early.size >= this.bounds.maxQueueMessages;
    if (isFull || epoch !== this.earlyEpoch || this.early.has(offset)) return this.giveUp(due);
    this.early.set(offset, due);
    if (!this.gated) this.reader?.onGap(this);
  }

  private giveUp(due: Due): void {
    due.refused('closed');
    this.isMissing = true;
    if (!this.gated) this.tellMissing();
  }

  private tellMissing(): void {
    this.isMissing = false;
    this.reader?.onMissing(this);
  }
}

/** The same message; when it is written, something follows. */
function followedBy(item: Outgoing, next: () => void): Outgoing {
  return {
    message: item.message,
    key: item.key,
    taken: () => {
      item.taken();
      next();
    },
    refused: (reason) => {
      item.refused(reason);
      // It gave way to others; what follows need not.
      if (reason !== 'closed') next();
    },
  };
}
