/** The instance that watches. */
export interface NodeWatchOwner {
  readonly node: string;
  /** Ids that are connected here. */
  ids(): Iterable<string>;
  /** Says it to one other instance. */
  tell(node: string, item: readonly unknown[]): void;
  /** An instance gives no sign of life any more. @param ids - what it had, where it told us */
  onDead(node: string, ids: readonly string[]): void;
  /** This instance was given up itself, and these of its ids were called offline. */
  onCalledOffline(ids: readonly string[]): void;
}

/** Ids told at once. */
const TOLD = 500;
/** How long NATS may take for one that is dead or frozen, by its own clock: twice two minutes, and some. Milliseconds. */
const REMEMBERED = 600_000;

/**
 * Which other instances are alive, by the signs of life that each gives. NATS forgets at once what a crashed instance had,
 * and tells nobody: so each tells one other what it has, its witness, which knows then who is offline.
 */
export class NodeWatch {
  private readonly seen = new Map<string, number>();
  /** When they were given up, and what of theirs was called offline; they may only be frozen. */
  private readonly dead = new Map<string, { readonly at: number; readonly lost: string[] }>();
  /** What others have told us that they have. */
  private readonly kept = new Map<string, Set<string>>();
  private witness: string | undefined = undefined;
  private tickedAt = performance.now();

  constructor(
    private readonly lease: number,
    private readonly owner: NodeWatchOwner,
  ) {}

  /** Somebody does not answer who may never answer. */
  get hasDead(): boolean {
    return this.dead.size > 0;
  }

  /** @returns whether it was not known before */
  onSign(node: string): boolean {
    if (node === this.owner.node) return false;
    const isNew = !this.seen.has(node);
    this.seen.set(node, performance.now());
    this.tellOf(node, 'o', this.dead.get(node)?.lost ?? []);
    this.dead.delete(node);
    // It may be the only one, and what is here the last that is told.
    if (isNew) this.chooseWitness();
    return isNew;
  }

  /** It has gone in peace, and nobody is left there. */
  onLeave(node: string): void {
    this.seen.delete(node);
    this.dead.delete(node);
    this.kept.delete(node);
    if (this.witness === node) this.witness = undefined;
  }

  /** These have been called offline. */
  onLost(node: string, ids: readonly string[]): void {
    const dead = this.dead.get(node);
    if (dead === undefined) this.tellOf(node, 'o', ids);
    else dead.lost.push(...ids);
  }

  /** Another tells us what it has. */
  onTold(from: string, [what, ...ids]: readonly unknown[]): void {
    if (what === 'x') return void this.kept.delete(from);
    if (what === 'o') return this.owner.onCalledOffline(ids.filter((id) => typeof id === 'string'));
    const kept = what === '=' ? new Set<string>() : (this.kept.get(from) ?? new Set<string>());
    this.kept.set(from, kept);
    for (const id of ids) {
      if (typeof id !== 'string') continue;
      if (what === '-') kept.delete(id);
      else kept.add(id);
    }
  }

  added(id: string): void {
    if (this.witness !== undefined) this.owner.tell(this.witness, ['i', '+', id]);
  }

  removed(id: string): void {
    if (this.witness !== undefined) this.owner.tell(this.witness, ['i', '-', id]);
  }

  /** Nothing was heard meanwhile, of anybody; nor did anybody hear us. */
  reset(): void {
    const now = performance.now();
    for (const node of this.seen.keys()) this.seen.set(node, now);
    this.tickedAt = now;
    this.witness = undefined;
  }

  /**
   * To be called every now and then.
   *
   * @returns whether this instance stood still for so long that the others may have given it up
   */
  tick(): boolean {
    const now = performance.now();
    const wasFrozen = now - this.tickedAt > this.lease / 2;
    if (wasFrozen) this.reset();
    this.tickedAt = now;
    for (const [node, at] of this.seen) if (now - at > this.lease) this.bury(node);
    for (const [node, { at }] of this.dead) if (now - at > REMEMBERED) this.dead.delete(node);
    this.chooseWitness();
    return wasFrozen;
  }

  private bury(node: string): void {
    const ids = [...(this.kept.get(node) ?? [])];
    this.onLeave(node);
    this.dead.set(node, { at: performance.now(), lost: [] });
    this.owner.onDead(node, ids);
  }

  /** The next one, by name: so that not all have the same. */
  private chooseWitness(): void {
    const others = [...this.seen.keys()].sort();
    const next = others.find((node) => node > this.owner.node) ?? others[0];
    if (next === this.witness) return;
    if (this.witness !== undefined) this.owner.tell(this.witness, ['i', 'x']);
    this.witness = next;
    if (next === undefined) return;
    this.owner.tell(next, ['i', '=']);
    this.tellOf(next, '+', [...this.owner.ids()]);
  }

  private tellOf(node: string, what: string, ids: readonly string[]): void {
    for (let at = 0; at < ids.length; at += TOLD) {
      this.owner.tell(node, ['i', what, ...ids.slice(at, at + TOLD)]);
    }
  }
}
