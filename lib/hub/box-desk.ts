import { Parcel } from './acknowledgements.js';
import type { Packet } from './backplane.js';
import type { Box, BoxLoss, ExactPosition, Found, LostPost, NumberedPost, Position, Posted } from './box.js';
import { type BoxReader, type BoxedOutbox, type Missed } from './boxed-outbox.js';
import { AckPush, type Delivery, Push, type Tell } from './delivery.js';
import type { Directory } from './directory.js';
import { EqualDelays } from './equal-delays.js';
import { type HubTotals, noTotals } from './hub-stats.js';
import type { HubTale } from './hub-tale.js';
import type { Member } from './member.js';
import { type Message, Numbered } from './message.js';
import type { Outgoing } from './outlet.js';
import { together } from './together.js';
import { withdrawAt } from './withdrawal.js';

/** The hub of a desk. */
export interface BoxDeskOwner<M> {
  readonly directory: Directory<M>;
  readonly totals: HubTotals;
  readonly tale: HubTale;
  isOpen(): boolean;
}

/** How long a message may be on its way while a later one has come already. Milliseconds. */
const GAP = 200;
/** Connections looked after at once, after an outage. */
const AT_ONCE = 100;

/**
 * Everything that a hub does because it has a box: numbers what is pushed, tells connections where they stand, and fetches
 * what they missed.
 */
export class BoxDesk<M> implements BoxReader {
  private readonly box: Box;
  /** By id: what is being numbered goes out in the order of the pushes. */
  private readonly lines = new Map<string, Promise<void>>();
  private readonly owners = new WeakMap<BoxedOutbox, Member<M>>();
  private readonly gaps = new EqualDelays<BoxedOutbox>(GAP, (outbox) => {
    if (outbox.hasGap) void this.look(outbox);
  });
  private readonly looking = new Set<BoxedOutbox>();
  /**
   * They were sent messages without numbers, and who missed one of those cannot be told so by his number. As many as were
   * connected and pushed to in one outage.
   */
  private readonly unnumbered = new Set<string>();

  /** Of single steps, which is of no interest: what is told in the end is counted. */
  private readonly tally = noTotals().pushed;

  constructor(
    private readonly owner: BoxDeskOwner<M>,
    open: (onLost: (loss: BoxLoss) => void) => Box,
  ) {
    this.box = open((loss) => this.onLost(loss));
  }

  /** A connection has come; the fleet has been told. */
  arrive(member: Member<M>, asked: Position | undefined): void {
    const outbox = outboxOf(member);
    this.owners.set(outbox, member);
    outbox.reader = this;
    void this.welcome(member, outbox, asked);
  }

  /**
   * Numbers a message and sends it. In the order of the calls, for one id.
   *
   * @param signal - rejects, but takes nothing back: what has a number is in the box
   */
  push(id: string, packet: Packet, signal: AbortSignal | undefined): Promise<Delivery> {
    return new Promise((resolve, reject) => {
      const tell = signal === undefined ? resolve : withdrawAt(signal, () => [], resolve, reject);
      this.post(id, packet, tell);
    });
  }

  /**
   * A message has been numbered, here or by another instance.
   *
   * @param present - those that were there when it was pushed; left out: all
   */
  deliver(
    members: readonly Member<M>[],
    packet: Packet,
    at: ExactPosition,
    tell: Tell,
    present: readonly Member<M>[] = members,
  ): void {
    const { message, ack, key } = packet;
    const numbered = new Numbered(message).at(at.offset);
    const { tally } = this;
    const push = ack
      ? new AckPush(members.length, tally, tell)
      : new Push(numbered, key, members.length, tally, tell);
    for (const member of members) {
      outboxOf(member).offerDue({
        at,
        isOurs: present.includes(member),
        make: () => (push instanceof Push ? push : parcelFor(member, numbered, key, at, push)),
        refused: (why) => push.refused(why),
      });
    }
  }

  /** The backplane is there, perhaps again: numbers and messages may have been missed. */
  async onUp(): Promise<void> {
    await this.renewUnnumbered();
    await inTurns(this.owner.directory.members(), (member) => this.look(outboxOf(member)));
  }

  stop(): void {
    this.gaps.clear();
    this.box.close();
  }

  onGap(outbox: BoxedOutbox): void {
    if (!this.looking.has(outbox)) this.gaps.add(outbox);
  }

  onMissing(outbox: BoxedOutbox): void {
    void this.look(outbox);
  }

  onRenumbered(outbox: BoxedOutbox): void {
    this.owners.get(outbox)?.forgetAcknowledgements();
  }

  private async welcome(member: Member<M>, outbox: BoxedOutbox, asked: Position | undefined): Promise<void> {
    if (this.unnumbered.has(member.id)) await this.renew(member.id);
    const found = await this.box.find(member.id, asked).catch(() => undefined);
    if (!member.active) return;
    if (asked === undefined) return outbox.beginAt(found?.at, {});
    if (found?.missed === undefined) {
      this.owner.totals.notRecovered += 1;
      return outbox.beginAt(found?.at, { recovered: false });
    }
    const { at, missed } = found;
    const from = { epoch: at.epoch, offset: at.offset - missed.length };
    outbox.replay(from, this.replayed(found), { ...at, recovered: true, missed: missed.length });
  }

  /** Fetches what one that is here has missed. */
  private async look(outbox: BoxedOutbox): Promise<void> {
    const member = this.owners.get(outbox);
    if (member === undefined || !member.active || this.looking.has(outbox)) return outbox.markMissing();
    if (outbox.isGated) return outbox.markMissing();
    this.looking.add(outbox);
    this.gaps.delete(outbox);
    const { at } = outbox;
    const isDone = await this.box
      .find(member.id, at)
      .then((found) => this.catchUp(member.id, outbox, at, found))
      .catch(() => false);
    this.looking.delete(outbox);
    if (!member.active) return;
    // Whoever waits does not wait for the backplane.
    if (!isDone) outbox.skipGap();
    else if (outbox.hasGap) this.gaps.add(outbox);
    if (isDone && outbox.takeMissing()) await this.look(outbox);
  }

  private async catchUp(
    id: string,
    outbox: BoxedOutbox,
    at: ExactPosition | undefined,
    found: Found,
  ): Promise<true> {
    if (at === undefined) {
      // A message may have brought the number meanwhile.
      if (outbox.at === undefined) outbox.beginAt(found.at, {});
    } else if (found.missed !== undefined) {
      if (found.missed.length > 0 && outbox.at?.epoch === at.epoch) outbox.replay(at, this.replayed(found));
    } else {
      const anew = found.at.epoch === at.epoch ? found : await this.box.find(id, { offset: 0 });
      // It has been told already.
      if (outbox.at?.epoch !== at.epoch) return true;
      this.owner.totals.notRecovered += 1;
      const from = { epoch: anew.at.epoch, offset: 0 };
      if (anew.missed === undefined) outbox.beginAt(anew.at, { recovered: false });
      else outbox.replay(from, this.replayed(anew), { ...from, recovered: false });
    }
    return true;
  }

  private replayed({ at, missed = [] }: Found): Missed[] {
    const first = at.offset - missed.length + 1;
    return missed.map((message, index) => ({
      offset: first + index,
      make: () => this.again(message, first + index),
    }));
  }

  private again(message: Message, offset: number): Outgoing {
    const { totals } = this.owner;
    return {
      message: new Numbered(message).at(offset),
      key: undefined,
      taken: () => void (totals.resumed += 1),
      refused: () => undefined,
    };
  }

  private post(id: string, packet: Packet, tell: Tell): void {
    const told: Tell = (delivery) => {
      this.owner.totals.pushed[delivery.status] += 1;
      tell(delivery);
    };
    const present = this.at(id);
    const posted = this.box.post(id, packet, present.length > 0);
    const send = (post: Posted): void =>
      post.at === undefined
        ? this.sendBare(id, packet, post, told)
        : this.send(id, packet, post, present, told);
    const before = this.lines.get(id);
    if (before === undefined && 'at' in posted) return send(posted);
    const line = (before ?? Promise.resolve()).then(() => posted).then(send);
    this.lines.set(id, line);
    void line.then(() => {
      if (this.lines.get(id) === line) this.lines.delete(id);
    });
  }

  private send(
    id: string,
    packet: Packet,
    post: NumberedPost,
    present: readonly Member<M>[],
    tell: Tell,
  ): void {
    const told: Tell = (delivery) => tell(this.asKept(id, delivery, post));
    const members = this.at(id);
    // Numbers are back, though nobody has said that they were away.
    if (this.unnumbered.size > 0) void this.renewUnnumbered();
    const { elsewhere } = post;
    if (members.length > 0) {
      if (elsewhere === undefined) return this.deliver(members, packet, post.at, told, present);
      const here = new Promise<Delivery>((resolve) =>
        this.deliver(members, packet, post.at, resolve, present),
      );
      return void together(here, elsewhere).then(told);
    }
    const done: Tell = (delivery) => told(answered(delivery, packet.ack));
    if (elsewhere === undefined) done({ status: 'offline', connections: 0 });
    else void elsewhere.then(done);
  }

  /** Nobody has given it a number. */
  private sendBare(id: string, { message, key, ack }: Packet, { mayArrive }: LostPost, tell: Tell): void {
    const members = this.at(id);
    const told: Tell = (delivery) => tell(answered(delivery, ack));
    if (members.length === 0) {
      return told({ status: 'refused', connections: 0, reason: mayArrive ? 'unconfirmed' : 'backplane' });
    }
    this.unnumbered.add(id);
    const push = new Push(message, key, members.length, this.tally, told);
    for (const { outbox } of members) outbox.offer(push);
  }

  /** What was not written, or not acknowledged, but is kept. */
  private asKept(id: string, delivery: Delivery, { at, isKept, isSent }: NumberedPost): Delivery {
    const { status, connections, reason, acked } = delivery;
    if (!isKept || !(this.owner.isOpen() || this.box.outlivesHub)) return delivery;
    const isUnacked = acked === false && (status === 'sent' || status === 'forwarded');
    const isUnwritten = status === 'offline' || (status === 'refused' && reason !== 'conflated');
    if (!isUnacked && !isUnwritten) return delivery;
    if (isSent) this.box.miss(id, at);
    return { status: 'queued', connections, ...(acked === undefined ? {} : { acked: false }) };
  }

  private at(id: string): readonly Member<M>[] {
    return this.owner.directory.at(id) ?? [];
  }

  private onLost(loss: BoxLoss): void {
    const { totals, tale } = this.owner;
    totals.dropped += loss.messages;
    // Whoever hears of it may push: not within the push that caused it.
    queueMicrotask(() => tale.tell({ type: 'dropped', reason: 'box', ...loss }));
  }

  private async renewUnnumbered(): Promise<void> {
    await inTurns([...this.unnumbered], (id) => this.renew(id));
  }

  private async renew(id: string): Promise<void> {
    if (!this.unnumbered.delete(id)) return;
    try {
      const at = await this.box.renew(id);
      for (const member of this.at(id)) outboxOf(member).beginAt(at, {});
    } catch {
      // It is gone again; the next time.
      this.unnumbered.add(id);
    }
  }
}

function outboxOf<M>({ outbox }: Member<M>): BoxedOutbox {
  return outbox as BoxedOutbox;
}

function parcelFor<M>(
  member: Member<M>,
  numbered: Message,
  key: string | undefined,
  { offset }: ExactPosition,
  push: AckPush,
): Parcel {
  const acknowledgements = member.needAcknowledgements();
  acknowledgements.use(offset);
  return new Parcel(numbered, key, offset, push, acknowledgements);
}

function answered(delivery: Delivery, ack: boolean): Delivery {
  return ack && delivery.acked === undefined ? { ...delivery, acked: false } : delivery;
}

/** A few at a time. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next] as T;
      next += 1;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
