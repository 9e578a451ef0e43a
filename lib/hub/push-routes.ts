import type { Packet } from './backplane.js';
import type { BoxDesk } from './box-desk.js';
import type { CallOptions, PushOptions } from './call-options.js';
import type { Delivery } from './delivery.js';
import type { Directory } from './directory.js';
import type { FleetTie } from './fleet-tie.js';
import type { ResolvedHubOptions } from './hub-options.js';
import { type HubTotals, noTotals } from './hub-stats.js';
import type { LocalDelivery } from './local-delivery.js';
import type { Member } from './member.js';
import { encode, type Payload } from './message.js';
import { together } from './together.js';
import { orAborted } from './withdrawal.js';

/** The hub of the routes. */
export interface PushRoutesOwner<M> {
  readonly options: ResolvedHubOptions<M>;
  readonly calls: CallOptions;
  readonly directory: Directory<M>;
  readonly totals: HubTotals;
  readonly local: LocalDelivery<M>;
  readonly fleet: FleetTie<M>;
  /** Where there is a box. */
  readonly desk: BoxDesk<M> | undefined;
  isOpen(): boolean;
}

/** Which way a push goes: to the connections here, to another instance, or through the box. */
export class PushRoutes<M> {
  /** An id may have connections here and elsewhere. */
  private readonly isScattered: boolean;
  /** What goes both ways is counted when both have said what became of it. */
  private readonly uncounted = noTotals().pushed;

  constructor(private readonly owner: PushRoutesOwner<M>) {
    const { onDuplicate, backplane } = owner.options;
    this.isScattered = onDuplicate === 'multi' && backplane !== undefined;
  }

  /** @throws InvalidPayloadError, PayloadTooLargeError, InvalidOptionsError, the reason of a signal that is aborted */
  push(id: string, data: Payload, options: PushOptions | undefined): Promise<Delivery> {
    const { desk } = this.owner;
    if (desk !== undefined) return this.pushNumbered(desk, id, data, options);
    return options === undefined ? this.pushPlain(id, data) : this.pushWith(id, data, options);
  }

  /** What another instance forwards. */
  deliver(id: string, packet: Packet): Promise<Delivery> {
    const { desk, directory, local } = this.owner;
    const { at } = packet;
    const members = directory.at(id);
    if (desk === undefined || at === undefined || members === undefined)
      return local.deliver(members, packet);
    return new Promise((resolve) => desk.deliver(members, packet, at, resolve));
  }

  private pushPlain(id: string, data: Payload): Promise<Delivery> {
    const message = encode(this.owner.options, data, false, false);
    const members = this.at(id);
    if (members !== undefined && !this.isScattered) return this.owner.local.push(members, message);
    return this.pushPacket(id, members, { message, ack: false, key: undefined }, undefined);
  }

  private pushWith(id: string, data: Payload, said: PushOptions): Promise<Delivery> {
    const { packet, signal } = this.read(data, said);
    const members = this.at(id);
    if (members !== undefined && !this.isScattered)
      return this.owner.local.pushPacket(members, packet, signal);
    return this.pushPacket(id, members, packet, signal);
  }

  private async pushPacket(
    id: string,
    members: readonly Member<M>[] | undefined,
    packet: Packet,
    signal: AbortSignal | undefined,
  ): Promise<Delivery> {
    // Those here first: they never wait for the backplane.
    const here = members && this.owner.local.pushPacket(members, packet, signal, this.uncounted);
    const asked = this.pushElsewhere(id, packet);
    const elsewhere = signal === undefined ? asked : orAborted(asked, signal);
    const delivery = await (here === undefined ? elsewhere : together(here, elsewhere));
    this.owner.totals.pushed[delivery.status] += 1;
    return delivery;
  }

  private pushNumbered(desk: BoxDesk<M>, id: string, data: Payload, said?: PushOptions): Promise<Delivery> {
    const { packet, signal } = this.read(data, said);
    if (!this.owner.isOpen()) return this.pushPacket(id, undefined, packet, undefined);
    return desk.push(id, packet, signal);
  }

  private read(data: Payload, said?: PushOptions): { packet: Packet; signal: AbortSignal | undefined } {
    const {
      ack = false,
      key,
      binary = false,
      signal,
    } = said === undefined ? {} : this.owner.calls.push(said);
    const message = encode(this.owner.options, data, binary, false);
    signal?.throwIfAborted();
    return { packet: { message, ack, key }, signal };
  }

  private pushElsewhere(id: string, packet: Packet): Promise<Delivery> {
    const delivery: Promise<Delivery> = this.owner.isOpen()
      ? this.owner.fleet.forward(id, packet)
      : Promise.resolve({ status: 'refused', connections: 0, reason: 'closed' });
    return packet.ack ? delivery.then(answered) : delivery;
  }

  /** Those here; none when the hub takes no push any more. */
  private at(id: string): readonly Member<M>[] | undefined {
    return this.owner.isOpen() ? this.owner.directory.at(id) : undefined;
  }
}

/** Where nobody could acknowledge it. */
function answered(delivery: Delivery): Delivery {
  return delivery.acked === undefined ? { ...delivery, acked: false } : delivery;
}
