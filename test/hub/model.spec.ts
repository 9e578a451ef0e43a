import { jest } from '@jest/globals';
import fc from 'fast-check';
import {
  type BroadcastResult,
  ConnHub,
  type Delivery,
  DuplicateIdError,
  type DuplicatePolicy,
  HubClosedError,
  memoryBackplane,
} from 'nestjs-conn-pool/hub';
import { Line } from './fleet.js';

/**
 * Three instances, random joins, hang-ups, deletions, pushes, broadcasts to all and to groups, kicks, time that passes, and
 * instances that end and begin anew. What must hold:
 *
 * 1. What was told as sent or forwarded was heard, once and in order, by as many connections as were told.
 * 2. What was told as offline or refused was heard by nobody.
 * 3. When all is quiet, every instance sees the same of each id, and it is the truth: the connections that are open.
 * 4. With 'replace' and 'reject' an id has one connection at most then.
 * 5. An id is told online and offline in turn, and when the time for coming back is over the last word is the truth.
 * 6. A broadcast is heard once by each that was there and in the group, on every instance, and has not gone meanwhile; by
 *    nobody else; and by as many here as were told.
 * 7. Nothing is left: no connection, no group, no queue, when everybody has gone.
 */
type Act =
  | { do: 'join'; at: number; id: number }
  | { do: 'hang-up' | 'delete' | 'kick' | 'push'; at: number; id: number }
  | { do: 'enter' | 'leave'; at: number; id: number; group: string }
  | { do: 'broadcast'; at: number; group: string | undefined; except: number; local: boolean }
  | { do: 'end'; at: number }
  | { do: 'settle' }
  | { do: 'wait' };

const GRACE = 1000;
const place = { at: fc.nat(2), id: fc.nat(2) };
const group = fc.constantFrom('g', 'h');
const one = <T extends string>(...words: T[]): fc.Arbitrary<T> => fc.constantFrom(...words);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: one('join'), ...place }) },
  { weight: 3, arbitrary: fc.record({ do: one('hang-up'), ...place }) },
  { weight: 2, arbitrary: fc.record({ do: one('delete', 'kick'), ...place }) },
  { weight: 6, arbitrary: fc.record({ do: one('push'), ...place }) },
  { weight: 3, arbitrary: fc.record({ do: one('enter', 'enter', 'leave'), ...place, group }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: one('broadcast'),
      at: fc.nat(2),
      group: fc.option(group, { nil: undefined }),
      except: fc.nat(5),
      local: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: one('end'), at: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: one('settle') }) },
  { weight: 1, arbitrary: fc.record({ do: one('wait') }) },
);

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const isOpen = ({ writableEnded, destroyed }: Line): boolean => !writableEnded && !destroyed;

/** A connection, as the world outside sees it. */
interface Guest {
  readonly line: Line;
  readonly id: string;
  readonly at: number;
  /** Where it has joined. */
  readonly hub: ConnHub;
  readonly groups: Set<string>;
}

class World {
  readonly hubs: ConnHub[] = [];
  readonly guests: Guest[] = [];
  /** Online and offline, of all instances, as they were told. */
  private readonly words: string[] = [];
  private readonly pushed: { text: string; delivery: Promise<Delivery> }[] = [];
  private readonly casts: { text: string; told: Promise<BroadcastResult>; here: Guest[]; far: Guest[] }[] =
    [];
  private readonly ending = new Map<number, Promise<void>>();
  private readonly backplane = memoryBackplane();
  private count = 0;

  constructor(
    private readonly policy: DuplicatePolicy,
    private readonly offlineGrace: number,
  ) {}

  async open(at: number): Promise<void> {
    const { backplane, policy: onDuplicate, offlineGrace } = this;
    const hub = new ConnHub({ name: 'chat', node: `n${at}`, backplane, onDuplicate, offlineGrace });
    hub.events$.subscribe((event) => {
      if (event.type === 'online' || event.type === 'offline') this.words.push(`${event.id} ${event.type}`);
    });
    this.hubs[at] = hub;
    await hub.start();
  }

  async run(step: Act): Promise<void> {
    if (step.do === 'settle') return settled();
    if (step.do === 'wait') return this.wait(GRACE / 3);
    const hub = this.hubs[step.at]!;
    if (step.do === 'end') return this.end(step.at, hub);
    this.count += 1;
    const text = `m${this.count}`;
    if (step.do === 'broadcast') return this.broadcast(hub, text, step);
    const id = `id-${step.id}`;
    if (step.do === 'join') this.join(hub, step.at, id);
    if (step.do === 'hang-up') this.guests.find((each) => each.id === id && isOpen(each.line))?.line.hangUp();
    if (step.do === 'delete') hub.delete(id);
    if (step.do === 'kick') void hub.kick(id);
    if (step.do === 'push') this.pushed.push({ text, delivery: hub.push(id, text) });
    if (step.do === 'enter' || step.do === 'leave') this.regroup(hub, id, step.do, step.group);
  }

  /** All that are left are gone, at once. */
  async close(): Promise<void> {
    await Promise.all(this.ending.values());
    await Promise.all(this.hubs.map((hub) => hub.close({ drain: 0 })));
  }

  async check(): Promise<void> {
    await Promise.all(this.ending.values());
    await settled();
    await this.checkDeliveries();
    for (const cast of this.casts.splice(0)) await this.checkCast(cast);
    for (const id of ['id-0', 'id-1', 'id-2']) this.checkWords(id);
    await this.wait(2 * GRACE);
    for (const id of ['id-0', 'id-1', 'id-2']) await this.checkId(id);
  }

  private async wait(ms: number): Promise<void> {
    await settled();
    jest.advanceTimersByTime(ms);
    await settled();
  }

  /** It is there again, of the same name, as soon as it can be. */
  private end(at: number, hub: ConnHub): void {
    if (this.ending.has(at)) return;
    const again = hub
      .close({ drain: 0 })
      .then(() => this.open(at))
      .finally(() => this.ending.delete(at));
    this.ending.set(at, again);
  }

  private join(hub: ConnHub, at: number, id: string): void {
    const line = new Line();
    try {
      hub.add(id, line);
      this.guests.push({ line, id, at, hub, groups: new Set() });
    } catch (error) {
      if (!(error instanceof HubClosedError)) expect(error).toBeInstanceOf(DuplicateIdError);
    }
  }

  private regroup(hub: ConnHub, id: string, how: 'enter' | 'leave', name: string): void {
    const mine = this.guests.filter((guest) => guest.id === id && guest.hub === hub && isIn(guest));
    const isHere = how === 'enter' ? hub.join(id, name) : hub.leave(id, name);
    expect(isHere).toBe(mine.length > 0);
    for (const { groups } of mine) {
      if (how === 'enter') groups.add(name);
      else groups.delete(name);
    }
  }

  private broadcast(hub: ConnHub, text: string, step: Act & { do: 'broadcast' }): void {
    const { group: name, local } = step;
    const except = [`id-${step.except}`];
    const meant = this.guests.filter(
      (guest) => isIn(guest) && !except.includes(guest.id) && (name === undefined || guest.groups.has(name)),
    );
    const told = hub.broadcast(text, { except, local, ...(name === undefined ? {} : { group: name }) });
    const isGoing = hub.state !== 'open';
    const here = isGoing ? [] : meant.filter((guest) => guest.hub === hub);
    const far = isGoing || local ? [] : meant.filter((guest) => guest.hub !== hub);
    this.casts.push({ text, told, here, far });
  }

  private times(text: string, guests: readonly Guest[] = this.guests): number {
    return guests.reduce((sum, { line }) => sum + line.heard.filter((each) => each === text).length, 0);
  }

  private async checkDeliveries(): Promise<void> {
    for (const { text, delivery } of this.pushed) {
      const { status, connections } = await delivery;
      expect([text, status, this.times(text)]).toEqual([text, status, connections]);
      expect(connections > 0).toBe(status === 'sent' || status === 'forwarded');
    }
    for (const { line } of this.guests) {
      const numbers = line.heard.map((text) => Number(text.slice(1)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  }

  private async checkCast({ text, told, here, far }: (typeof this.casts)[number]): Promise<void> {
    const { connections } = await told;
    expect([text, connections]).toEqual([text, this.times(text, here)]);
    const meant = [...here, ...far];
    for (const guest of meant) {
      const times = this.times(text, [guest]);
      if (isOpen(guest.line))
        expect([text, guest.id, guest.at, times]).toEqual([text, guest.id, guest.at, 1]);
      else expect(times).toBeLessThanOrEqual(1);
    }
    expect([text, this.times(text)]).toEqual([text, this.times(text, meant)]);
  }

  private async checkId(id: string): Promise<void> {
    const truth = this.guests
      .filter((each) => each.id === id && isOpen(each.line))
      .map(({ at }) => `n${at}`)
      .sort();
    if (this.policy !== 'multi') expect(truth.length).toBeLessThanOrEqual(1);
    for (const hub of this.hubs) {
      const { connections, complete } = await hub.presence(id);
      expect([connections.map(({ node }) => node).sort(), complete]).toEqual([truth, true]);
    }
    expect(this.checkWords(id).length % 2 === 1).toBe(truth.length > 0);
  }

  private checkWords(id: string): string[] {
    const words = this.words.filter((word) => word.startsWith(id)).map((word) => word.split(' ')[1]!);
    expect(words).toEqual(words.map((_, at) => (at % 2 === 0 ? 'online' : 'offline')));
    return words;
  }
}

/** Whether its hub has it still. */
function isIn({ hub, id, line }: Guest): boolean {
  return hub.get(id).some(({ conn }) => conn === line);
}

describe.each(['replace', 'reject', 'multi'] as const)(
  "three instances with '%s', whatever happens",
  (policy) => {
    // What is left out runs by itself; a grace passes when it is told to.
    beforeEach(
      () => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'Date'] }),
    );
    afterEach(() => void jest.useRealTimers());

    it.each([0, GRACE])('keep what they promise, with a grace of %i ms', async (offlineGrace) => {
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 60, size: 'max' }), async (acts) => {
          const world = new World(policy, offlineGrace);
          try {
            for (const at of [0, 1, 2]) await world.open(at);
            for (const step of acts) await world.run(step);
            await world.check();
            for (const { line } of world.guests) line.hangUp();
            await world.check();
            const none = { connections: 0, groups: 0, queuedMessages: 0, queuedBytes: 0 };
            for (const hub of world.hubs) expect(hub.stats()).toMatchObject(none);
          } finally {
            await world.close();
          }
        }),
        { numRuns: 300 },
      );
    });
  },
);
