import { Parcel } from './acknowledgements.js';
import type { CastPacket, Packet } from './backplane.js';
import { CastQueue } from './cast-queue.js';
import {
  AckPush,
  type BroadcastResult,
  Cast,
  type Delivery,
  LonePush,
  Push,
  type Tally,
  type Tell,
} from './delivery.js';
import type { Directory } from './directory.js';
import type { Member } from './member.js';
import { type Message, Numbered } from './message.js';
import { Pledges } from './pledges.js';
import { type Offer, withdrawAt } from './withdrawal.js';

/** What goes to the connections of this instance, into their queues. */
export class LocalDelivery<M> {
  private readonly pledges = new Pledges<Delivery>();
  private readonly casts = new CastQueue<M>();

  /** @param tally - what became of the pushes that were made here */
  constructor(
    private readonly directory: Directory<M>,
    private readonly tally: Tally,
  ) {}

  /** The common case, of which there are very many. */
  push(members: readonly Member<M>[], message: Message): Promise<Delivery> {
    const { pledges, tally } = this;
    if (this.casts.isBusy) this.catchUp(members);
    const promise = pledges.make();
    const [first] = members;
    if (first !== undefined && members.length === 1)
      first.outbox.offer(new LonePush(message, tally, pledges.resolve));
    else this.offer(members, new Push(message, undefined, members.length, tally, pledges.resolve));
    return promise;
  }

  /**
   * With an acknowledgement, a key, a signal: rejects with the signal's reason.
   *
   * @param tally - where it is counted, if not with the others
   */
  pushPacket(
    members: readonly Member<M>[],
    packet: Packet,
    signal: AbortSignal | undefined,
    tally: Tally = this.tally,
  ): Promise<Delivery> {
    return new Promise((resolve, reject) => {
      let offers: readonly Offer[] = [];
      const tell = signal === undefined ? resolve : withdrawAt(signal, () => offers, resolve, reject);
      offers = this.offerPacket(members, packet, tally, tell);
    });
  }

  /** What another instance forwards; counted there as forwarded, and here as what became of it. */
  deliver(members: readonly Member<M>[] | undefined, packet: Packet): Promise<Delivery> {
    if (members === undefined) return Promise.resolve({ status: 'offline', connections: 0 });
    const { message, ack, key } = packet;
    if (!ack && key === undefined) return this.push(members, message);
    return this.pushPacket(members, packet, undefined);
  }

  /** For whatever does not come out of here: gives these connections what was broadcast before. */
  catchUp(members: readonly Member<M>[]): void {
    for (const member of members) this.casts.catchUp(member);
  }

  /** To everybody, or to a group. */
  cast({ message, group, except }: CastPacket): Promise<Omit<BroadcastResult, 'forwarded'>> {
    const left = new Set(except);
    const members = this.directory.members(group);
    const going = left.size === 0 ? members : members.filter(({ id }) => !left.has(id));
    if (going.length === 0) return Promise.resolve({ connections: 0, refused: 0 });
    return new Promise((resolve) => {
      const cast = new Cast(message, going.length, (connections, refused) =>
        resolve({ connections, refused }),
      );
      this.casts.add(going, cast);
    });
  }

  private offer(members: readonly Member<M>[], item: Push): void {
    for (const { outbox } of members) outbox.offer(item);
  }

  private offerPacket(
    members: readonly Member<M>[],
    { message, ack, key }: Packet,
    tally: Tally,
    tell: Tell,
  ): readonly Offer[] {
    this.catchUp(members);
    if (ack) {
      const numbered = new Numbered(message);
      const push = new AckPush(members.length, tally, tell);
      return members.map((member) => this.offerParcel(member, numbered, key, push));
    }
    const item = new Push(message, key, members.length, tally, tell);
    this.offer(members, item);
    return members.map(({ outbox }) => ({ outbox, item }));
  }

  private offerParcel(member: Member<M>, numbered: Numbered, key: string | undefined, push: AckPush): Offer {
    const { outbox } = member;
    const acknowledgements = member.needAcknowledgements();
    const offset = acknowledgements.nextOffset;
    const parcel = new Parcel(numbered.at(offset), key, offset, push, acknowledgements);
    outbox.offer(parcel);
    if (!parcel.isRefused) acknowledgements.use(offset);
    return { outbox, item: parcel };
  }
}
