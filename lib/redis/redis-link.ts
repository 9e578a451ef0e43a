import {
  type BackplaneHealth,
  type CastPacket,
  type Claim,
  type ClaimOutcome,
  type HubInstance,
  type Packet,
} from '../hub/backplane.js';
import type { Box, BoxLoss, BoxRules } from '../hub/box.js';
import { type Answers, Asks } from '../hub/asks.js';
import type { Delivery } from '../hub/delivery.js';
import { codeOutcome } from '../hub/outcome.js';
import { codedText, codeMessage, decodeMessage } from '../hub/packet-codec.js';
import type { KeptLink } from '../hub/session-keeper.js';
import { TurnBatch } from '../hub/turn-batch.js';
import { deliveryOf, isRefusal } from './answers.js';
import { RedisBox } from './redis-box.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import { LIFE } from './redis-script-parts.js';
import { RedisNames, type ScriptName } from './redis-scripts.js';
import type { RedisSession } from './redis-session.js';

/** A message for an id, on its way. */
interface Question {
  readonly id: string;
  readonly number: number;
  readonly text: string;
}

/** The backplane of a link. */
export interface RedisLinkOwner {
  readonly options: ResolvedRedisOptions;
  readonly session: RedisSession | undefined;
  start(link: RedisLink): Promise<void>;
  stop(link: RedisLink): Promise<void>;
  healthOf(): BackplaneHealth;
}

/** Questions in one script, and answers in one message: nothing else runs in Redis meanwhile. */
const MOST_AT_ONCE = 100;
/** Ids looked at in one script, when an instance has died. */
const REAPED = 500;
/** How long it is known what was taken from an instance, which may be only frozen. Milliseconds. */
const TAKEN = 600_000;
/** Claims told at once, after an outage. */
const ANNOUNCED = 500;

/** One hub's tie to its other instances, over the backplane's session. */
export class RedisLink implements KeptLink<RedisSession> {
  readonly names: RedisNames;
  private readonly asks: Asks;
  private readonly questions = new TurnBatch<Question>(
    MOST_AT_ONCE,
    (questions) => void this.sendQuestions(questions),
  );
  /** By the node they go to. */
  private readonly replies = new Map<string, TurnBatch<string>>();
  private readonly ownIds: string;
  private readonly ownChannel: string;
  /** Redis has refused what it was told: what it has of us is not what there is. */
  private isMistaken = false;
  private announcedAt = 0;

  constructor(
    readonly instance: HubInstance,
    private readonly owner: RedisLinkOwner,
  ) {
    const { prefix, timeout } = owner.options;
    this.names = new RedisNames(prefix, instance.hub);
    this.asks = new Asks(timeout, Number.isFinite(instance.ackTimeout) ? instance.ackTimeout : timeout);
    this.ownIds = this.names.idsOf(instance.node);
    this.ownChannel = this.names.channels + instance.node;
  }

  get channels(): string[] {
    return [this.ownChannel, this.names.all];
  }

  box(rules: BoxRules, onLost: (loss: BoxLoss) => void): Box {
    return new RedisBox(
      {
        names: this.names,
        node: this.instance.node,
        session: () => this.session(),
        asks: this.asks,
      },
      rules,
      onLost,
    );
  }

  start(): Promise<void> {
    return this.owner.start(this);
  }

  health(): BackplaneHealth {
    return this.owner.healthOf();
  }

  claim(claim: Claim): Promise<ClaimOutcome> {
    return this.tell(claim, '');
  }

  async release(id: string, key: string, lingering: boolean): Promise<{ isOffline: boolean }> {
    const { node } = this.instance;
    const said = [`${node}/${key}`, id, lingering ? '1' : '0', node];
    const isOffline = await this.change('release', [this.placeOf(id), this.ownIds], said);
    return { isOffline: isOffline === 1 };
  }

  forward(id: string, { message, ack, key }: Packet): Promise<Delivery> {
    if (this.owner.session === undefined) return Promise.reject(new Error('Redis is not connected'));
    return new Promise((resolve, reject) => {
      const number = this.asks.begin(ack, (said) => resolve(deliveryOf(said)), reject);
      const words = `${JSON.stringify(id)},${ack ? 1 : 0},${JSON.stringify(key ?? null)}`;
      this.put(id, number, `"f",${words},${codedText(message)}`);
    });
  }

  async publish({ message, group, except }: CastPacket): Promise<void> {
    const { node } = this.instance;
    const text = JSON.stringify(['c', node, group ?? null, except, codeMessage(message)]);
    await this.session().send('PUBLISH', [this.names.all, text]);
  }

  async kick(id: string, code: number, reason: string): Promise<number> {
    const { answers } = await this.ask(id, false, ['k', id, code, reason]);
    return answers.reduce((sum, { answer }) => sum + (typeof answer === 'number' ? answer : 0), 0);
  }

  async presence(id: string): Promise<{ node: string; meta?: unknown }[]> {
    const { nodes } = this.names;
    const found = await this.session().run('presence', [nodes, this.placeOf(id)], [this.instance.node]);
    const list = found as string[];
    const places: { node: string; meta?: unknown }[] = [];
    for (let at = 0; at + 1 < list.length; at += 2) {
      places.push({ node: list[at] as string, meta: readMeta(list[at + 1] as string) });
    }
    return places;
  }

  async stop(): Promise<void> {
    await this.owner.stop(this);
    this.asks.endAll();
  }

  async leave(session: RedisSession): Promise<void> {
    await session.run('leave', [this.names.nodes, this.ownIds], [this.instance.node]);
  }

  /** A sign of life; what the fleet has forgotten is told again, and the dead are put away. */
  async touch(session: RedisSession, isNew: boolean): Promise<void> {
    const { node } = this.instance;
    const lease = String(Math.round(this.owner.options.lease));
    const said = (await session.run('touch', [this.names.nodes], [node, lease])) as unknown[];
    const [isForgotten, ...dead] = said as [number, ...string[]];
    // In time before it is forgotten for its age.
    const isOld = performance.now() - this.announcedAt > LIFE / 2;
    if (isNew || isForgotten === 1 || this.isMistaken || isOld) await this.announce(session);
    for (const each of dead) await this.reap(session, each);
  }

  /** Nobody waits for an answer that was asked over a session that is over. */
  onLost(): void {
    this.asks.endAll();
  }

  /** Whoever can publish can publish anything: what is no message of ours is nothing. */
  receive(channel: string, said: readonly unknown[]): void {
    if (channel === this.names.all) this.receiveCast(said);
    else if (channel === this.ownChannel) this.receiveAll(said[0] === 'b' ? said.slice(1) : [said]);
  }

  private receiveCast([kind, from, group, except, coded]: readonly unknown[]): void {
    const message = decodeMessage(coded, true);
    if (kind !== 'c' || from === this.instance.node || message === undefined) return;
    const left = Array.isArray(except) ? (except as unknown[]).filter((id) => typeof id === 'string') : [];
    this.instance.cast({ message, group: typeof group === 'string' ? group : undefined, except: left });
  }

  private receiveAll(messages: readonly unknown[]): void {
    for (const each of messages) if (Array.isArray(each)) this.receiveOwn(each as unknown[]);
  }

  private receiveOwn(said: readonly unknown[]): void {
    const [kind, first, second, ...rest] = said;
    if (typeof second !== 'string') return;
    if (kind === 'a') this.asks.answer(first, second, rest[0]);
    else if (kind === 'e' && typeof first === 'string') this.instance.evict(first, second);
    else if (kind === 'q' && typeof first === 'number') this.answer(first, second, rest);
  }

  private answer(number: number, from: string, [kind, id, ...rest]: readonly unknown[]): void {
    if (typeof id !== 'string') return;
    const reply = (answer: unknown): void =>
      this.reply(from, JSON.stringify(['a', number, this.instance.node, answer]));
    if (kind === 'k') {
      const [code, reason] = rest;
      if (typeof code === 'number' && typeof reason === 'string') reply(this.instance.kick(id, code, reason));
      return;
    }
    const [ack, key, coded, epoch, offset] = rest;
    const message = decodeMessage(coded, false);
    if (kind !== 'f' || message === undefined) return;
    const packet: Packet = { message, ack: ack === 1, key: typeof key === 'string' ? key : undefined };
    const at = typeof epoch === 'string' && typeof offset === 'number' ? { epoch, offset } : undefined;
    void this.instance.deliver(id, { ...packet, at }).then((delivery) => reply(codeOutcome(delivery)));
  }

  private async ask(id: string, isPatient: boolean, said: readonly unknown[]): Promise<Answers> {
    this.session();
    return this.asks.ask(isPatient, (number) => this.put(id, number, JSON.stringify(said).slice(1, -1)));
  }

  /** @param words - JSON, without the brackets */
  private put(id: string, number: number, words: string): void {
    const text = `["q",${number},"${this.instance.node}",${words}]`;
    this.questions.add({ id, number, text }, text.length);
  }

  /** All that is asked in one turn. */
  private async sendQuestions(questions: readonly Question[]): Promise<void> {
    const { nodes, channels } = this.names;
    const places = questions.map(({ id }) => this.placeOf(id));
    const texts = questions.map(({ text }) => text);
    const { session } = this.owner;
    if (session === undefined) {
      const cause = new Error('Redis was lost before it was asked');
      for (const { number } of questions) this.asks.fail(number, cause);
      return;
    }
    try {
      const said = await session.run('ask', [nodes, ...places], [channels, this.instance.node, ...texts]);
      const counts = (said as string).split(',');
      questions.forEach(({ number }, at) => {
        const [asked, unreached] = (counts[at] as string).split('/');
        this.asks.expect(number, Number(asked), Number(unreached ?? 0));
      });
    } catch (cause) {
      // Else it may have been done, though nobody told us: somebody may have been asked.
      if (isRefusal(cause)) for (const { number } of questions) this.asks.fail(number, cause as Error);
    }
  }

  /** To another instance; together with what else is said to it in this turn. */
  private reply(to: string, text: string): void {
    let batch = this.replies.get(to);
    if (batch === undefined) {
      batch = new TurnBatch<string>(MOST_AT_ONCE, (texts) => {
        this.replies.delete(to);
        const { session } = this.owner;
        session
          ?.send('PUBLISH', [this.names.channels + to, `["b",${texts.join(',')}]`])
          .catch(() => undefined);
      });
      this.replies.set(to, batch);
    }
    batch.add(text, text.length);
  }

  /** @param own - the fields of the id that are real, where others of ours may have been left behind; '' = all are */
  private async tell({ id, key, meta, age }: Claim, own: string): Promise<ClaimOutcome> {
    const { node, policy } = this.instance;
    const { nodes, channels } = this.names;
    const said = [`${node}/${key}`, metaText(meta), policy, String(Math.round(age)), id, node, channels, own];
    const outcome = await this.change('claim', [nodes, this.placeOf(id), this.ownIds], said);
    const [granted, wasOnline] = outcome as [number, number];
    return { granted: granted === 1, wasOnline: wasOnline === 1 };
  }

  private change(script: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.session()
      .run(script, keys, args)
      .catch((cause: unknown) => {
        this.isMistaken = true;
        throw cause;
      });
  }

  /** All that is connected here, in batches; what the fleet has of us beside that is taken back. */
  private async announce(session: RedisSession): Promise<void> {
    this.isMistaken = false;
    this.announcedAt = performance.now();
    const { instance } = this;
    const takenKey = this.names.takenFrom(instance.node);
    const taken = new Set((await session.send('SMEMBERS', [takenKey])) as string[]);
    await inBatches(instance.claims(), (claim) => this.announceOne(claim, taken));
    await inBatches([...instance.lingering()], ([id, key]) => this.linger(session, id, key, taken));
    if (taken.size > 0) await session.send('DEL', [takenKey]);
    const known = (await session.send('SMEMBERS', [this.ownIds])) as string[];
    await inBatches(Array.from(known), (id) => this.disown(session, id));
  }

  private async announceOne(claim: Claim, taken: ReadonlySet<string>): Promise<void> {
    const { instance } = this;
    const { id, key } = claim;
    // Others may have come since all of this began.
    const keys = instance.keysOf(id);
    if (!keys.includes(key)) return;
    const own = keys.map((each) => `${instance.node}/${each},`).join('');
    const { granted, wasOnline } = await this.tell(claim, `,${own}`);
    if (!granted) instance.evict(id, key);
    else if (!wasOnline && taken.has(id) && instance.keysOf(id).includes(key)) instance.onBack(id);
  }

  private async linger(
    session: RedisSession,
    id: string,
    key: string,
    taken: ReadonlySet<string>,
  ): Promise<void> {
    const { node } = this.instance;
    const keys = [this.names.nodes, this.placeOf(id), this.ownIds];
    // Whoever took it has told that it is offline.
    const isAwaited =
      !taken.has(id) && (await session.run('linger', keys, [`${node}/${key}`, id, node])) === 1;
    if (!isAwaited) this.instance.evict(id, key);
  }

  /** It left while the backplane was away. Unless it has come back meanwhile. */
  private async disown(session: RedisSession, id: string): Promise<void> {
    if (this.instance.keysOf(id).length > 0 || this.instance.lingering().has(id)) return;
    const { node } = this.instance;
    const fields = (await session.send('HKEYS', [this.placeOf(id)])) as string[];
    const own = Array.from(fields).filter((field) => field.startsWith(`${node}/`));
    for (const field of own) {
      await session.run('release', [this.placeOf(id), this.ownIds], [field, id, '0', node]);
    }
    if (own.length === 0) await session.send('SREM', [this.ownIds, id]);
  }

  private async reap(session: RedisSession, dead: string): Promise<void> {
    const { nodes, places } = this.names;
    const keys = [nodes, this.names.idsOf(dead), this.names.takenFrom(dead)];
    for (;;) {
      const said = await session.run('reap', keys, [dead, places, String(REAPED), String(TAKEN)]);
      const [looked, ...gone] = said as [number, ...string[]];
      if (gone.length > 0) this.instance.onGone(gone);
      if (looked === 0) return;
    }
  }

  private placeOf(id: string): string {
    return this.names.places + id;
  }

  private session(): RedisSession {
    const { session } = this.owner;
    if (session === undefined) throw new Error('Redis is not connected');
    return session;
  }
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += ANNOUNCED) {
    await Promise.all(items.slice(at, at + ANNOUNCED).map(work));
  }
}

function metaText(meta: unknown): string {
  try {
    return JSON.stringify(meta) ?? '';
  } catch {
    // It is the application's own, and may be anything; elsewhere it is not seen then.
    return '';
  }
}

function readMeta(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
