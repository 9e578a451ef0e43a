import type { Outgoing, Outlet, Refusal, WriteWaiter } from './outlet.js';
import type { SlowConsumerPolicy } from './hub-options.js';
import type { Wire } from './wire.js';

/** What an outbox may hold. */
export interface OutboxLimits {
  readonly maxQueueMessages: number;
  readonly maxQueueBytes: number;
  readonly slowConsumer: SlowConsumerPolicy;
}

/** Whose outbox it is. */
export interface OutboxOwner {
  /** It has something to write at the end of this turn. */
  onWork(outbox: Outbox): void;
  /** Another is in the middle of a message on this connection: try again. */
  onBusy(outbox: Outbox): void;
  /** More waits than may, and the policy is to disconnect. */
  onSlow(): void;
  /** Somebody else has begun to close the connection: nothing may be written any more. */
  onClosing(): void;
  /** A write has failed. */
  onBroken(error: Error): void;
  /** Messages were given up, for the connection took too little. */
  onDropped(reason: Refusal, messages: number, bytes: number): void;
}

/** Bytes written in one piece, unless one message is larger. */
const BATCH = 64 * 1024;
/** Of all outboxes where nothing waits; never added to. */
const NOTHING: Outgoing[] = [];

/**
 * The queue of one connection. At the end of a turn all that was pushed in it goes out in one write; while the socket
 * has not taken that, what comes waits here, within limits. Messages leave in the order in which they came.
 */
export class Outbox implements WriteWaiter {
  private waiting: Outgoing[] = NOTHING;
  private waitingBytes = 0;
  /** Handed to the socket, which has not taken it yet. */
  private flying: readonly Outgoing[] | undefined = undefined;
  /** When it was handed over, or some of it was seen to be taken. */
  private flyingSince = 0;
  /** What was left of it then. */
  private unwritten = 0;
  private isOpen = true;
  private isFlushing = false;
  /** Its owner's: it stands in the list of those that have work. */
  isListed = false;

  constructor(
    private readonly outlet: Outlet,
    private readonly wire: Wire,
    private readonly limits: OutboxLimits,
    private readonly owner: OutboxOwner,
  ) {}

  /** Messages that wait for the socket. */
  get length(): number {
    return this.waiting.length;
  }

  get bytes(): number {
    return this.waitingBytes;
  }

  /** Nothing waits, and nothing is being written. */
  get isIdle(): boolean {
    return this.flying === undefined && this.waiting.length === 0;
  }

  /** Whether the socket owes an answer to a write, and has taken nothing of it for so long. To be asked often. */
  isStuck(now: number, limit: number): boolean {
    if (this.flying === undefined) return false;
    const { unwritten } = this.outlet;
    if (unwritten < this.unwritten) this.flyingSince = now;
    this.unwritten = unwritten;
    return now - this.flyingSince >= limit;
  }

  /** Takes a message, or refuses it in the same breath. */
  offer(item: Outgoing): void {
    if (!this.isOpen) return item.refused('closed');
    const size = this.wire.sizeOf(item.message);
    if (this.isOver(size)) {
      // What waits may do so only because the turn has not ended.
      this.flush();
      if (!this.isOpen) return item.refused('closed');
      if (this.isOver(size) && !this.makeRoom(item, size)) return;
    }
    // Mostly it is one, for which an array that has grown would be large.
    if (this.waiting.length === 0) this.waiting = [item];
    else this.waiting.push(item);
    this.waitingBytes += size;
    if (this.flying === undefined) this.owner.onWork(this);
  }

  /** Takes a message out again. @returns false when it has been handed to the socket */
  withdraw(item: Outgoing): boolean {
    const at = this.waiting.indexOf(item);
    if (at === -1) return false;
    this.remove(at);
    return true;
  }

  /** Writes all that waits, as far as the socket takes it. */
  flush(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    try {
      while (this.isOpen && this.flying === undefined && this.waiting.length > 0) {
        if (!this.outlet.isOpen) return this.owner.onClosing();
        if (!this.outlet.isFree) return this.owner.onBusy(this);
        this.write(this.nextBatch());
      }
    } finally {
      this.isFlushing = false;
    }
  }

  /**
   * Nothing is taken any more. What is being written may yet be.
   *
   * @returns what waited, which is refused
   */
  shut(reason: Refusal): { messages: number; bytes: number } {
    this.isOpen = false;
    const { waiting, waitingBytes } = this;
    this.waiting = NOTHING;
    this.waitingBytes = 0;
    for (const item of waiting) item.refused(reason);
    return { messages: waiting.length, bytes: waitingBytes };
  }

  /**
   * The connection is gone: what was being written never arrived, as far as anybody knows.
   *
   * @returns what that was
   */
  abandon(): { messages: number; bytes: number } {
    const { flying = [] } = this;
    this.flying = undefined;
    let bytes = 0;
    for (const item of flying) {
      bytes += this.wire.sizeOf(item.message);
      item.refused('closed');
    }
    return { messages: flying.length, bytes };
  }

  private isOver(size: number): boolean {
    const { waiting, limits } = this;
    if (waiting.length === 0) return false;
    return waiting.length >= limits.maxQueueMessages || this.waitingBytes + size > limits.maxQueueBytes;
  }

  /** @returns whether the message may be queued now; if not, it has been refused */
  private makeRoom(item: Outgoing, size: number): boolean {
    switch (this.limits.slowConsumer) {
      case 'disconnect':
        item.refused('slow');
        this.owner.onSlow();
        return false;
      case 'drop-newest':
        item.refused('slow');
        this.owner.onDropped('slow', 1, size);
        return false;
      case 'conflate':
        this.conflate(item.key);
        break;
      case 'drop-oldest':
        break;
    }
    while (this.isOver(size)) this.drop(0, 'slow');
    return true;
  }

  private conflate(key: string | undefined): void {
    if (key === undefined) return;
    const at = this.waiting.findIndex((waiting) => waiting.key === key);
    if (at !== -1) this.drop(at, 'conflated');
  }

  private drop(at: number, reason: Refusal): void {
    const { item, size } = this.remove(at);
    item.refused(reason);
    this.owner.onDropped(reason, 1, size);
  }

  private remove(at: number): { item: Outgoing; size: number } {
    const [item] = this.waiting.splice(at, 1) as [Outgoing];
    const size = this.wire.sizeOf(item.message);
    this.waitingBytes -= size;
    return { item, size };
  }

  private nextBatch(): Outgoing[] {
    const { waiting, outlet } = this;
    if (this.waitingBytes <= BATCH && waiting.length <= outlet.mostAtOnce) {
      this.waiting = NOTHING;
      this.waitingBytes = 0;
      return waiting;
    }
    let bytes = 0;
    let count = 0;
    while (count < Math.min(waiting.length, outlet.mostAtOnce)) {
      const size = this.wire.sizeOf((waiting[count] as Outgoing).message);
      if (count > 0 && bytes + size > BATCH) break;
      bytes += size;
      count += 1;
    }
    this.waitingBytes -= bytes;
    return waiting.splice(0, count);
  }

  private write(batch: readonly Outgoing[]): void {
    this.flying = batch;
    try {
      const isTaken = this.outlet.write(batch, this);
      if (isTaken) return this.land(batch);
      this.flyingSince = performance.now();
      this.unwritten = this.outlet.unwritten;
    } catch (error) {
      this.fail(batch, error as Error);
    }
  }

  /** For the outlet. */
  onDone(batch: readonly Outgoing[], error: Error | null | undefined): void {
    // Some say so even of what they took at once.
    if (this.flying !== batch) return;
    if (error != null) return this.fail(batch, error);
    this.land(batch);
    if (this.isOpen && this.waiting.length > 0) this.flush();
  }

  /** A socket may say twice that it has taken a write, or that it has and then that it has not: the first word counts. */
  private land(batch: readonly Outgoing[]): void {
    if (this.flying !== batch) return;
    this.flying = undefined;
    for (const item of batch) item.taken();
  }

  private fail(batch: readonly Outgoing[], error: Error): void {
    if (this.flying !== batch) return;
    const { messages, bytes } = this.abandon();
    this.owner.onDropped('closed', messages, bytes);
    this.owner.onBroken(error);
  }
}
