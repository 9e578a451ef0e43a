import { type Answers, Asks } from '../hub/asks.js';
import {
  type BackplaneHealth,
  type CastPacket,
  type Claim,
  type ClaimOutcome,
  type HubInstance,
  type Packet,
} from '../hub/backplane.js';
import type { Delivery } from '../hub/delivery.js';
import { EqualDelays } from '../hub/equal-delays.js';
import { codeOutcome, outcomeOf } from '../hub/outcome.js';
import { codedText, codeMessage, decodeMessage } from '../hub/packet-codec.js';
import type { KeptLink } from '../hub/session-keeper.js';
import { Contest } from './contest.js';
import { Holding } from './holding.js';
import type { ResolvedNatsOptions } from './nats-options.js';
import type { NatsSession } from './nats-session.js';
import { NatsSubjects } from './nats-subjects.js';
import type { NatsSubscription } from './nats-client.js';
import { NodeWatch } from './node-watch.js';
import { Post } from './post.js';

/** The backplane of a link. */
export interface NatsLinkOwner {
  readonly options: ResolvedNatsOptions;
  readonly session: NatsSession | undefined;
  start(link: NatsLink): Promise<void>;
  stop(link: NatsLink): Promise<void>;
  healthOf(): BackplaneHealth;
  onProbe(text: unknown): boolean;
}

const NOBODY: readonly string[] = [];
/** Nobody else is here. */
const HEARD: Delivery = { status: 'offline', connections: 0 };
/** Claims told, and ids asked for, at once. */
const ANNOUNCED = 500;

/** One hub's tie to its other instances, over the backplane's session. */
export class NatsLink implements KeptLink<NatsSession> {
  readonly subjects: NatsSubjects;
  private readonly asks: Asks;
  private readonly post: Post;
  private readonly watch: NodeWatch;
  private readonly contest: Contest;
  private holdings = new Map<string, Holding>();
  /** Given up, and it is not known yet whether anybody else has them: of two who leave, the last one has the last word. */
  private readonly leaving = new Set<string>();
  private ears: NatsSubscription[] = [];
  /** Called offline by those who had given this instance up. Soon it is known whether others have them now. */
  private readonly back: EqualDelays<string>;

  constructor(
    readonly instance: HubInstance,
    private readonly owner: NatsLinkOwner,
  ) {
    const { prefix, timeout, lease } = owner.options;
    const { hub, node } = instance;
    this.subjects = new NatsSubjects(prefix, hub, node);
    this.back = new EqualDelays(timeout, (id) => this.onBack(id));
    this.asks = new Asks(timeout, Number.isFinite(instance.ackTimeout) ? instance.ackTimeout : timeout);
    this.post = new Post(node, this.subjects, this.asks, () => owner.session);
    this.watch = new NodeWatch(lease, {
      node,
      ids: () => this.holdings.keys(),
      tell: (to, item) => this.post.tell(to, item),
      onDead: (dead, ids) => void this.bury(dead, ids),
      onCalledOffline: (ids) => ids.forEach((id) => this.onCalledOffline(id)),
    });
    this.contest = new Contest(instance, this.subjects, this.post, {
      of: (id) => this.holdings.get(id),
      isLeaving: (id) => this.leaving.has(id),
      drop: (holding, key) => this.drop(holding, key),
    });
  }

  start(): Promise<void> {
    return this.owner.start(this);
  }

  health(): BackplaneHealth {
    return this.owner.healthOf();
  }

  async claim(claim: Claim): Promise<ClaimOutcome> {
    const { id, key, meta, age } = claim;
    const holding = this.holdings.get(id) ?? new Holding(id);
    const wasHere = !holding.isEmpty;
    if (!this.holdings.has(id)) this.watch.added(id);
    this.holdings.set(id, holding);
    holding.connections.set(key, { since: performance.now() - age, meta });
    holding.lingering = undefined;
    holding.tidy();
    // While there is no session it is known here, and told over the next one.
    const outcome = await this.settle(this.session(), holding, key);
    return { ...outcome, wasOnline: outcome.wasOnline || wasHere };
  }

  async release(id: string, key: string, lingering: boolean): Promise<{ isOffline: boolean }> {
    const holding = this.holdings.get(id);
    if (holding === undefined) return { isOffline: false };
    if (!holding.connections.delete(key) && holding.lingering !== key) return { isOffline: false };
    if (lingering) {
      holding.lingering = key;
      const { session } = this.owner;
      if (session !== undefined) this.await(session, holding);
      holding.tidy();
      return { isOffline: false };
    }
    if (holding.lingering === key) holding.lingering = undefined;
    holding.tidy();
    if (!holding.isEmpty) return { isOffline: false };
    this.forget(holding);
    this.session();
    this.leaving.add(id);
    try {
      return { isOffline: await this.isNowhere(id, 1) };
    } finally {
      this.leaving.delete(id);
    }
  }

  forward(id: string, { message, ack, key }: Packet): Promise<Delivery> {
    if (this.owner.session === undefined) return Promise.reject(new Error('NATS is not connected'));
    return new Promise((resolve, reject) => {
      const number = this.asks.begin(ack, (said) => resolve(fateOf(said)), reject);
      const words = `${ack ? 1 : 0},${JSON.stringify(key ?? null)}`;
      this.post.put(id, number, `"f",${words},${codedText(message)}`);
    });
  }

  async publish({ message, group, except }: CastPacket): Promise<void> {
    const { node } = this.instance;
    const session = this.session();
    session.publish(
      this.subjects.all,
      JSON.stringify(['c', node, group ?? null, except, codeMessage(message)]),
    );
    await session.flush();
  }

  async kick(id: string, code: number, reason: string): Promise<number> {
    const { answers } = await this.ask(id, ['k', code, reason]);
    return answers.reduce((sum, { answer }) => sum + (typeof answer === 'number' ? answer : 0), 0);
  }

  async presence(id: string): Promise<{ node: string; meta?: unknown }[]> {
    const { answers, unanswered } = await this.ask(id, ['w']);
    // One that is frozen is not there any more when its lease is over.
    if (unanswered > 0 && !this.watch.hasDead) throw new Error('an instance gave no answer in time');
    return answers.flatMap(({ node, answer }) =>
      node === this.instance.node || !Array.isArray(answer)
        ? []
        : (answer as unknown[]).map((meta) => ({ node, meta: meta ?? undefined })),
    );
  }

  async stop(): Promise<void> {
    await this.owner.stop(this);
    this.back.clear();
    this.holdings.clear();
    this.asks.endAll();
  }

  async leave(session: NatsSession): Promise<void> {
    session.publish(this.subjects.all, JSON.stringify(['y', this.instance.node]));
    for (const holding of this.holdings.values()) {
      holding.connections.clear();
      holding.lingering = undefined;
      holding.tidy();
    }
    await session.flush();
    for (const ear of this.ears) ear.drain().catch(() => undefined);
  }

  /** To be heard before anything is told. */
  listen(session: NatsSession): void {
    const { own, all, nobody } = this.subjects;
    this.ears = [
      session.subscribe(nobody, (_text, reply) => {
        for (const number of this.subjects.numbersOf(reply)) this.asks.expect(number, 0, 0);
      }),
      session.subscribe(own, (text) => this.receiveOwn(read(text))),
      session.subscribe(all, (text) => this.receiveAll(read(text))),
    ];
  }

  probe(session: NatsSession, text: string): void {
    session.publish(this.subjects.own, JSON.stringify(['b', this.instance.node, ['t', text]]));
  }

  /** A sign of life; what the fleet may have forgotten is told again. */
  async touch(session: NatsSession, isNew: boolean): Promise<void> {
    session.publish(this.subjects.all, JSON.stringify(['n', this.instance.node]));
    if (isNew) {
      this.watch.reset();
      await this.announce(session);
      this.watch.tick();
    } else if (this.watch.tick()) {
      // The others have gone on meanwhile.
      for (const holding of this.holdings.values()) this.contest.tellAll(holding);
    }
  }

  /** Nobody waits for an answer that was asked over a session that is over. */
  onLost(): void {
    this.ears = [];
    for (const holding of this.holdings.values()) {
      holding.here = undefined;
      holding.awaiting = undefined;
      holding.peers.clear();
    }
    this.asks.endAll();
  }

  private async settle(session: NatsSession, holding: Holding, key: string): Promise<ClaimOutcome> {
    // Those who were asked by an earlier connection know of us.
    if (holding.here !== undefined) {
      this.contest.tell(holding, key);
      return { granted: true, wasOnline: true };
    }
    // It may be back before the answers are due.
    const hadDead = this.watch.hasDead;
    const rivals: (() => void)[] = [];
    holding.rivals = rivals;
    const asked = this.contest.claim(holding, key).finally(() => (holding.rivals = undefined));
    // Whoever waits for it is told below.
    asked.catch(() => undefined);
    holding.here = session.subscribe(this.subjects.at(holding.id), (text) =>
      this.receiveFor(holding.id, text),
    );
    // Those who came between the question and this.
    this.contest.tell(holding, key);
    const outcome = await asked;
    if (!outcome.granted) this.drop(holding, key);
    for (const heed of rivals) heed();
    const isUnclear = outcome.isUnanswered && !hadDead && !this.watch.hasDead;
    return { granted: outcome.granted, wasOnline: outcome.wasOnline || isUnclear };
  }

  private await(session: NatsSession, holding: Holding): void {
    const { id } = holding;
    holding.awaiting ??= session.subscribe(this.subjects.awaiting(id), (text) => this.receiveFor(id, text));
  }

  private drop(holding: Holding, key: string): void {
    holding.connections.delete(key);
    if (holding.lingering === key) holding.lingering = undefined;
    holding.tidy();
    if (holding.isEmpty) this.forget(holding);
  }

  private forget({ id }: Holding): void {
    if (this.holdings.delete(id)) this.watch.removed(id);
  }

  /** All that is connected here. */
  private async announce(session: NatsSession): Promise<void> {
    const before = this.holdings;
    this.holdings = new Map();
    for (const holding of before.values()) {
      if (holding.lingering === undefined) continue;
      holding.connections.clear();
      this.holdings.set(holding.id, holding);
      this.await(session, holding);
    }
    const told: Promise<void>[] = [];
    for (const claim of this.instance.claims()) {
      const one = this.announceOne(claim);
      one.catch(() => undefined);
      told.push(one);
      // So many may be a second's work.
      if (told.length % ANNOUNCED === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(told);
    await session.flush();
  }

  private async announceOne(claim: Claim): Promise<void> {
    if (!this.instance.keysOf(claim.id).includes(claim.key)) return;
    const { granted } = await this.claim(claim);
    if (!granted) this.instance.evict(claim.id, claim.key);
  }

  /** @param left - 1: this instance has just lost it */
  private async isNowhere(id: string, left: 0 | 1): Promise<boolean> {
    const subjects = [this.subjects.at(id), this.subjects.awaiting(id)];
    const said = await Promise.all(subjects.map((subject) => this.post.askAt(subject, ['r', left])));
    const isSilent = said.every(({ answers }) => answers.every(({ answer }) => answer === 0));
    return isSilent && (this.watch.hasDead || said.every(({ unanswered }) => unanswered === 0));
  }

  private onCalledOffline(id: string): void {
    const holding = this.holdings.get(id);
    if (holding?.lingering === undefined) return this.back.add(id);
    const { lingering } = holding;
    this.drop(holding, lingering);
    this.instance.evict(id, lingering);
  }

  private onBack(id: string): void {
    const holding = this.holdings.get(id);
    if (holding !== undefined && holding.connections.size > 0 && holding.peers.size === 0)
      this.instance.onBack(id);
  }

  /** @param ids - that it had */
  private async bury(dead: string, ids: readonly string[]): Promise<void> {
    for (const { peers } of this.holdings.values()) peers.delete(dead);
    for (let at = 0; at < ids.length; at += ANNOUNCED) {
      const some = ids.slice(at, at + ANNOUNCED);
      try {
        const gone = await Promise.all(some.map((id) => this.isNowhere(id, 0)));
        const lost = some.filter((_id, i) => gone[i] === true);
        if (lost.length > 0) this.instance.onGone(lost);
        this.watch.onLost(dead, lost);
      } catch {
        // There is no session: nobody can tell.
        return;
      }
    }
  }

  private async ask(id: string, said: readonly unknown[]): Promise<Answers> {
    this.session();
    return this.post.ask(id, said);
  }

  private receiveAll([kind, from, ...rest]: readonly unknown[]): void {
    if (typeof from !== 'string' || from === this.instance.node) return;
    if (kind === 'n' && this.watch.onSign(from)) this.post.tell(from, ['n']);
    else if (kind === 'y') this.onLeft(from);
    else if (kind === 'c') this.receiveCast(rest);
  }

  private onLeft(node: string): void {
    this.watch.onLeave(node);
    for (const { peers } of this.holdings.values()) peers.delete(node);
  }

  private receiveCast([group, except, coded]: readonly unknown[]): void {
    const message = decodeMessage(coded, true);
    if (message === undefined) return;
    const left = Array.isArray(except) ? (except as unknown[]).filter((id) => typeof id === 'string') : [];
    this.instance.cast({ message, group: typeof group === 'string' ? group : undefined, except: left });
  }

  private receiveOwn([kind, from, ...items]: readonly unknown[]): void {
    if (kind !== 'b' || typeof from !== 'string') return;
    for (const item of items) if (Array.isArray(item)) this.receiveItem(from, item as unknown[]);
  }

  private receiveItem(from: string, [kind, ...rest]: readonly unknown[]): void {
    const [first, answer, others] = rest;
    if (kind === 'a') {
      this.asks.answer(first, from, answer, Array.isArray(others) ? others : undefined);
      if (others === undefined) this.asks.hasten(first);
    } else if (kind === 'n') this.watch.onSign(from);
    else if (kind === 't' && from === this.instance.node) this.owner.onProbe(first);
    else if (kind === 'i') this.watch.onTold(from, rest);
    else this.contest.receive(from, kind, rest);
  }

  /** Questions about an id that is here, or was. */
  private receiveFor(id: string, text: string): void {
    const [kind, from, ...items] = read(text);
    if (kind !== 'q' || typeof from !== 'string') return;
    for (const item of items) {
      if (Array.isArray(item)) this.answer(id, from, item as unknown[]);
    }
  }

  private answer(id: string, from: string, [number, kind, ...rest]: readonly unknown[]): void {
    if (typeof number !== 'number') return;
    const holding = this.holdings.get(id);
    // Whoever has it knows who has it, too. Whoever has just lost a message's id may have lost it to another.
    const isLost = holding === undefined || holding.connections.size === 0;
    const others = kind === 'f' && isLost ? undefined : peersOf(holding);
    const reply = (answer: unknown): void => this.post.answer(from, number, answer, others);
    // With 'multi' those here have it already.
    if (kind === 'f' && from === this.instance.node && this.instance.policy === 'multi') reply(HEARD);
    else if (kind === 'f') this.deliver(id, rest, reply);
    else if (kind === 'w') reply(Array.from(holding?.connections.values() ?? [], ({ meta }) => metaOf(meta)));
    else if (kind === 'r') {
      if (rest[0] === 1) holding?.peers.delete(from);
      const isHere = holding !== undefined || this.leaving.has(id);
      this.post.answer(from, number, isHere ? 1 : 0, []);
    } else if (kind === 'k') {
      const [code, reason] = rest;
      if (typeof code === 'number' && typeof reason === 'string') reply(this.instance.kick(id, code, reason));
    } else this.contest.answer(id, from, number, kind, rest);
  }

  private deliver(id: string, [ack, key, coded]: readonly unknown[], reply: (answer: unknown) => void): void {
    const message = decodeMessage(coded, false);
    if (message === undefined) return;
    const packet: Packet = { message, ack: ack === 1, key: typeof key === 'string' ? key : undefined };
    void this.instance.deliver(id, packet).then((delivery) => reply(codeOutcome(delivery)));
  }

  private session(): NatsSession {
    const { session } = this.owner;
    if (session === undefined) throw new Error('NATS is not connected');
    return session;
  }
}

/** Whoever can publish can publish anything: what is no message of ours is nothing. */
function read(text: string): readonly unknown[] {
  try {
    const said: unknown = JSON.parse(text);
    return Array.isArray(said) ? (said as unknown[]) : [];
  } catch {
    return [];
  }
}

/** Mostly nobody. */
function peersOf(holding: Holding | undefined): readonly string[] {
  return holding === undefined || holding.peers.size === 0 ? NOBODY : [...holding.peers];
}

function fateOf(said: Answers): Delivery {
  const { answers, isCounted, unanswered } = said;
  // Else somebody has just lost the id, and nobody else said that he has it.
  return outcomeOf(said, isCounted || answers.length === 0 ? unanswered : 0);
}

/** It is the application's own, and may be what JSON cannot hold; elsewhere it is not seen then. */
function metaOf(meta: unknown): unknown {
  try {
    return JSON.stringify(meta) === undefined ? null : meta;
  } catch {
    return null;
  }
}
