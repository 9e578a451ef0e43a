import {
  type Backplane,
  type BackplaneHealth,
  type BackplaneLink,
  type CastPacket,
  type Claim,
  type ClaimOutcome,
  forwarded,
  type HubInstance,
  type Packet,
} from './backplane.js';
import type { Box, BoxLoss, BoxRules } from './box.js';
import type { Delivery } from './delivery.js';
import { InvalidHubOptionsError } from './hub-errors.js';
import { MemoryBox } from './memory-box.js';
import { boxInMemory } from './box-in-memory.js';

/**
 * A backplane within one process: hubs of one name on one object are instances of each other. For tests, and for
 * applications that are many in one process.
 *
 * @example
 * const backplane = memoryBackplane();
 * const [a, b] = [new ConnHub({ backplane }), new ConnHub({ backplane })];
 */
export function memoryBackplane(): Backplane {
  const fleets = new Map<string, Fleet>();
  return {
    kind: 'memory',
    link: (instance) => {
      const fleet = fleets.get(instance.hub) ?? new Fleet();
      fleets.set(instance.hub, fleet);
      return fleet.link(instance);
    },
    boxOf: (link, rules, onLost) => (link as MemoryLink).box(rules, onLost),
  };
}

/** A claim as all see it. */
interface Held {
  readonly link: MemoryLink;
  readonly claim: Claim;
  /** When the connection was added. */
  readonly since: number;
  isLingering: boolean;
}

/** The hubs of one name. */
class Fleet {
  private readonly links = new Map<string, MemoryLink>();
  private readonly held = new Map<string, Held[]>();
  /** From the first hub with a box on, by whose rules it is. */
  private store: MemoryBox | undefined;
  private readonly losers = new Set<(loss: BoxLoss) => void>();

  box(link: MemoryLink, rules: BoxRules, onLost: (loss: BoxLoss) => void): Box {
    this.store ??= new MemoryBox(rules, (loss) => {
      // It is one loss: one of them tells.
      for (const tell of this.losers) return tell(loss);
    });
    this.losers.add(onLost);
    return boxInMemory(this.store, () => void this.losers.delete(onLost), {
      check: () => link.check(),
      others: (id) => link.linksOf(id).map(({ instance }) => instance),
    });
  }

  link(instance: HubInstance): MemoryLink {
    const { hub, node } = instance;
    if (this.links.has(node)) {
      const allowed = 'a node that no other instance of the hub has';
      throw new InvalidHubOptionsError(hub, [{ path: 'node', given: node, allowed }]);
    }
    const link = new MemoryLink(instance, this);
    this.links.set(node, link);
    return link;
  }

  remove(link: MemoryLink): void {
    if (this.links.get(link.instance.node) === link) this.links.delete(link.instance.node);
    for (const [id, held] of this.held)
      this.keep(
        id,
        held.filter((each) => each.link !== link),
      );
  }

  others(than: MemoryLink): MemoryLink[] {
    return [...this.links.values()].filter((link) => link !== than && link.isUp);
  }

  at(id: string): readonly Held[] {
    return this.held.get(id) ?? [];
  }

  keep(id: string, held: Held[]): void {
    if (held.length === 0) this.held.delete(id);
    else this.held.set(id, held);
  }
}

class MemoryLink implements BackplaneLink {
  isUp = false;

  constructor(
    readonly instance: HubInstance,
    private readonly fleet: Fleet,
  ) {}

  async start(): Promise<void> {
    this.isUp = true;
    for (const claim of this.instance.claims()) {
      const { granted } = await this.claim(claim);
      if (!granted) this.instance.evict(claim.id, claim.key);
    }
  }

  box(rules: BoxRules, onLost: (loss: BoxLoss) => void): Box {
    return this.fleet.box(this, rules, onLost);
  }

  health(): BackplaneHealth {
    return { kind: 'memory', state: this.isUp ? 'up' : 'down', lagMs: 0 };
  }

  async claim(claim: Claim): Promise<ClaimOutcome> {
    this.check();
    const { id, key } = claim;
    const since = performance.now() - claim.age;
    const held = this.fleet.at(id).filter((each) => each.link !== this || each.claim.key !== key);
    const wasOnline = held.length > 0;
    const elsewhere = held.filter(({ link, isLingering }) => link !== this && !isLingering);
    const { policy } = this.instance;
    if (policy === 'reject' && elsewhere.length > 0) return { granted: false, wasOnline };
    const newer = elsewhere.some((each) => each.since > since);
    if (policy === 'replace' && newer) return { granted: false, wasOnline };
    // Whoever may be back is back.
    const staying = held.filter(
      ({ link, isLingering }) => !isLingering && (link === this || policy === 'multi'),
    );
    this.fleet.keep(id, [...staying, { link: this, claim, since, isLingering: false }]);
    for (const each of held) {
      if (!staying.includes(each)) each.link.instance.evict(id, each.claim.key);
    }
    return { granted: true, wasOnline };
  }

  async release(id: string, key: string, lingering: boolean): Promise<{ isOffline: boolean }> {
    this.check();
    const held = this.fleet.at(id);
    const own = held.find((each) => each.link === this && each.claim.key === key);
    if (own === undefined) return { isOffline: false };
    if (lingering) {
      own.isLingering = true;
      return { isOffline: false };
    }
    const left = held.filter((each) => each !== own);
    this.fleet.keep(id, left);
    return { isOffline: left.length === 0 };
  }

  async forward(id: string, packet: Packet): Promise<Delivery> {
    this.check();
    const asked = this.linksOf(id).map(async ({ instance }) => ({
      node: instance.node,
      delivery: await instance.deliver(id, packet),
    }));
    return forwarded(await Promise.all(asked), 0);
  }

  async publish(packet: CastPacket): Promise<void> {
    this.check();
    for (const { instance } of this.fleet.others(this)) instance.cast(packet);
  }

  async kick(id: string, code: number, reason: string): Promise<number> {
    this.check();
    return this.linksOf(id).reduce((sum, { instance }) => sum + instance.kick(id, code, reason), 0);
  }

  async presence(id: string): Promise<{ node: string; meta?: unknown }[]> {
    this.check();
    return this.fleet
      .at(id)
      .filter(({ link, isLingering }) => link !== this && !isLingering)
      .map(({ link, claim }) => ({ node: link.instance.node, meta: claim.meta }));
  }

  async stop(): Promise<void> {
    this.isUp = false;
    this.fleet.remove(this);
  }

  linksOf(id: string): MemoryLink[] {
    const links = this.fleet.at(id).flatMap(({ link, isLingering }) => (isLingering ? [] : [link]));
    return [...new Set(links)].filter((link) => link !== this);
  }

  check(): void {
    if (!this.isUp) throw new Error('the backplane has not been started');
  }
}
