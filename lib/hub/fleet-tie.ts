import type {
  Backplane,
  BackplaneHealth,
  BackplaneLink,
  CastPacket,
  Claim,
  ClaimOutcome,
  HubInstance,
  Packet,
} from './backplane.js';
import type { Box, BoxLoss, BoxRules } from './box.js';
import type { Delivery } from './delivery.js';
import { EqualDelays } from './equal-delays.js';
import type { ResolvedHubOptions } from './hub-options.js';
import type { Member } from './member.js';
import { MemoryBox } from './memory-box.js';
import { boxInMemory } from './box-in-memory.js';

/** The hub of a tie. */
export interface FleetTieOwner<M> {
  readonly options: ResolvedHubOptions<M>;
  readonly isOpen: boolean;
  members(): Member<M>[];
  at(id: string): readonly Member<M>[];
  deliver(id: string, packet: Packet): Promise<Delivery>;
  cast(packet: CastPacket): void;
  kick(id: string, code: number, reason: string): number;
  /** The fleet has decided for another connection of the id. */
  onSuperseded(member: Member<M>, by: 'replaced' | 'duplicate'): void;
  onOnline(id: string): void;
  onOffline(id: string): void;
  onBackplane(state: 'up' | 'down', cause: unknown): void;
}

/**
 * What a hub has to do with its other instances; without a backplane there are none. Nothing here waits before it acts
 * locally: the fleet is told of what has happened, and may object afterwards.
 */
export class FleetTie<M> {
  private readonly link: BackplaneLink | undefined;
  /** Ids without a connection here that may come back, and the claims that are kept for them. */
  private readonly missing: EqualDelays<string>;
  private readonly lingering = new Map<string, string>();
  /** They leave because the fleet has decided for another: whoever comes back is not they. */
  private readonly superseded = new WeakSet<Member<M>>();
  /** What has been told and not been answered. */
  private readonly untold = new Set<Promise<void>>();

  constructor(
    private readonly owner: FleetTieOwner<M>,
    private readonly backplane: Backplane | undefined,
  ) {
    this.missing = new EqualDelays(owner.options.offlineGrace, (id) => this.giveUp(id));
    this.link = backplane?.link(this.asInstance());
  }

  /** What is kept for ids that come back: by the backplane, where there is one. */
  openBox(rules: BoxRules, onLost: (loss: BoxLoss) => void): Box {
    const { backplane, link } = this;
    if (backplane?.boxOf !== undefined && link !== undefined) return backplane.boxOf(link, rules, onLost);
    const store = new MemoryBox(rules, onLost);
    return boxInMemory(store, () => store.clear());
  }

  async start(): Promise<void> {
    await this.link?.start();
  }

  /** Waits for the answers to all that was told, which come within the backplane's own timeout. */
  async stop(): Promise<void> {
    for (const id of this.missing.items()) this.giveUp(id);
    this.missing.clear();
    await Promise.all(this.untold);
    await this.link?.stop().catch(() => undefined);
  }

  health(): BackplaneHealth | undefined {
    return this.link?.health();
  }

  /** @param isFirst - the id has no other connection here */
  onArrival(member: Member<M>, isFirst: boolean): void {
    const { id } = member;
    const wasMissing = this.missing.delete(id);
    this.lingering.delete(id);
    const isNew = isFirst && !wasMissing;
    if (this.link === undefined) {
      if (isNew) this.owner.onOnline(id);
      return;
    }
    this.tellFleet(
      this.link.claim(claimOf(member)),
      (outcome) => this.onClaimed(member, outcome, isNew),
      () => isNew && this.owner.onOnline(id),
    );
  }

  /** @param isLast - the id has no other connection here */
  onDeparture(member: Member<M>, isLast: boolean): void {
    const { id, key } = member;
    if (this.superseded.has(member)) return this.release(id, key, false, false);
    const mayComeBack = isLast && this.owner.isOpen && this.owner.options.offlineGrace > 0;
    if (mayComeBack) {
      this.missing.add(id);
      this.lingering.set(id, key);
    }
    this.release(id, key, mayComeBack, isLast && !mayComeBack);
  }

  /** For an id that nobody has here. */
  forward(id: string, packet: Packet): Promise<Delivery> {
    if (this.link === undefined) return Promise.resolve({ status: 'offline', connections: 0 });
    return this.link
      .forward(id, packet)
      .catch(() => ({ status: 'refused', connections: 0, reason: 'backplane' }));
  }

  /** @returns whether the backplane took it */
  async publish(packet: CastPacket): Promise<boolean> {
    if (this.link === undefined) return false;
    return this.link.publish(packet).then(
      () => true,
      () => false,
    );
  }

  async kick(id: string, code: number, reason: string): Promise<number> {
    return this.link === undefined ? 0 : this.link.kick(id, code, reason).catch(() => 0);
  }

  /** @returns the id's connections on other instances; `undefined` when nobody can tell */
  async presence(id: string): Promise<{ node: string; meta?: unknown }[] | undefined> {
    return this.link === undefined ? [] : this.link.presence(id).catch(() => undefined);
  }

  private onClaimed(member: Member<M>, { granted, wasOnline }: ClaimOutcome, isNew: boolean): void {
    if (granted) {
      if (isNew && !wasOnline) this.owner.onOnline(member.id);
      return;
    }
    const isRejecting = this.owner.options.onDuplicate === 'reject';
    this.supersede(member, isRejecting ? 'duplicate' : 'replaced');
  }

  private supersede(member: Member<M>, by: 'replaced' | 'duplicate'): void {
    this.superseded.add(member);
    this.owner.onSuperseded(member, by);
  }

  private giveUp(id: string): void {
    const key = this.lingering.get(id);
    if (!this.lingering.delete(id) || key === undefined) return;
    this.release(id, key, false, true);
  }

  private release(id: string, key: string, lingering: boolean, isLast: boolean): void {
    if (this.link === undefined) {
      if (isLast) this.owner.onOffline(id);
      return;
    }
    this.tellFleet(
      this.link.release(id, key, lingering),
      ({ isOffline }) => isLast && isOffline && this.owner.onOffline(id),
      () => isLast && this.owner.onOffline(id),
    );
  }

  /** @param failed - what is known here has to do */
  private tellFleet<R>(told: Promise<R>, done: (answer: R) => unknown, failed: () => unknown): void {
    const answered = told.then(done, failed).then(() => void this.untold.delete(answered));
    this.untold.add(answered);
  }

  private asInstance(): HubInstance {
    const { owner, lingering } = this;
    const { name, node, onDuplicate, ackTimeout, writeTimeout } = owner.options;
    return {
      hub: name,
      node,
      policy: onDuplicate,
      // The time of a client begins when it has been written to.
      ackTimeout: ackTimeout + (writeTimeout === Infinity ? 0 : writeTimeout),
      claims: () => owner.members().map(claimOf),
      keysOf: (id) => owner.at(id).map(({ key }) => key),
      lingering: () => lingering,
      deliver: (id, packet) => owner.deliver(id, packet),
      cast: (packet) => owner.cast(packet),
      kick: (id, code, reason) => owner.kick(id, code, reason),
      evict: (id, key) => {
        const member = owner.at(id).find((each) => each.key === key);
        if (member !== undefined) this.supersede(member, 'replaced');
        // It is back, on another instance.
        else if (lingering.get(id) === key) this.forget(id);
      },
      onGone: (ids) => ids.forEach((id) => owner.onOffline(id)),
      onBack: (id) => owner.onOnline(id),
      onState: (state, cause) => owner.onBackplane(state, cause),
    };
  }

  private forget(id: string): void {
    this.missing.delete(id);
    this.lingering.delete(id);
  }
}

function claimOf<M>({ id, key, meta, since }: Member<M>): Claim {
  return { id, key, meta, age: performance.now() - since };
}
