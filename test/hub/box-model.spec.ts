import fc from 'fast-check';
import {
  type BoxOptions,
  ConnHub,
  type Delivery,
  type DuplicatePolicy,
  memoryBackplane,
  type Position,
} from 'nestjs-conn-pool/hub';
import { Line } from './fleet.js';
import { BoxClient } from './told.js';

/**
 * Three instances with a box, random joins, resumes, hang-ups, deletions, pushes and deaths of instances; every client
 * remembers where it stands. What must hold:
 *
 * 1. A connection hears first where it stands, and from there on every number, one after the other, until it is told that
 *    its numbers begin anew.
 * 2. A client that is told `recovered: true` has, over all its connections, every number once and in order.
 * 3. A number of one epoch means one message, whoever hears it.
 * 4. What was told as sent or forwarded was heard by at least as many connections; as offline or refused, by nobody.
 * 5. Nobody is told `recovered: false` whose messages may all be kept; and then, when all is quiet and everybody has come
 *    back, everybody has heard all that was queued.
 * 6. What was told as lost was heard by nobody.
 */
type Act =
  | { do: 'join' | 'resume' | 'hang-up' | 'delete' | 'push'; at: number; id: number }
  | { do: 'die'; at: number }
  | { do: 'settle' };

const place = { at: fc.nat(2), id: fc.nat(2) };
const one = (what: Exclude<Act['do'], 'die' | 'settle'>): fc.Arbitrary<Act> =>
  fc.record({ do: fc.constant(what), ...place });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 1, arbitrary: one('join') },
  { weight: 4, arbitrary: one('resume') },
  { weight: 3, arbitrary: one('hang-up') },
  { weight: 1, arbitrary: one('delete') },
  { weight: 8, arbitrary: one('push') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), at: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
);

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Somebody with an id, over all his connections. */
class Device {
  readonly connections: BoxClient[] = [];

  constructor(readonly id: string) {}

  get isOpen(): boolean {
    const line = this.connections.at(-1)?.line;
    return line !== undefined && !line.destroyed && !line.writableEnded;
  }

  /** Where it stands; nowhere, when it has never been told. */
  get position(): Position | undefined {
    const told = this.connections.findLast(({ hellos }) => hellos.length > 0);
    return told?.position.epoch === undefined ? undefined : told.position;
  }

  join(hub: ConnHub): void {
    const resume = this.position;
    const line = new Line();
    hub.add(this.id, line, { resume });
    this.connections.push(new BoxClient(line));
  }

  check(): void {
    let at: Position | undefined;
    for (const { told } of this.connections) {
      if (told.length > 0) expect(told[0]).toHaveProperty('hub');
      for (const { hub, offset } of told) {
        if (hub?.recovered === true) {
          expect({ epoch: hub.epoch, offset: hub.offset! - hub.missed! }).toEqual(at);
        } else if (hub !== undefined) at = { epoch: hub.epoch, offset: hub.offset! };
        else {
          expect(offset).toBe(at!.offset + 1);
          at = { ...at, offset: offset! };
        }
      }
    }
  }
}

class World {
  readonly devices: Device[] = [];
  readonly pushed: { text: string; id: string; delivery: Promise<Delivery> }[] = [];
  lost = 0;
  private readonly backplane = memoryBackplane();
  private readonly hubs: ConnHub[] = [];
  private readonly dying: Promise<void>[] = [];
  private count = 0;

  constructor(
    private readonly box: BoxOptions,
    private readonly onDuplicate: DuplicatePolicy,
  ) {
    for (const at of [0, 1, 2]) this.start(at);
  }

  run(step: Act): Promise<void> | void {
    if (step.do === 'settle') return settled();
    const hub = this.hubs[step.at]!;
    if (step.do === 'die') {
      this.dying.push(hub.close({ drain: 0 }));
      this.start(step.at);
      return;
    }
    const id = `id-${step.id}`;
    if (step.do === 'push') this.push(hub, id);
    if (step.do === 'join' || step.do === 'resume') this.join(hub, id, step.do === 'join');
    if (step.do === 'hang-up') this.open(id)?.connections.at(-1)?.line.hangUp();
    if (step.do === 'delete') hub.delete(id);
  }

  /** Everybody comes back, and is told all. */
  async end(): Promise<void> {
    await settled();
    for (const device of this.devices) device.connections.at(-1)?.line.hangUp();
    await settled();
    for (const device of this.devices) {
      device.join(this.hubs[0]!);
      await settled();
    }
  }

  async check(): Promise<void> {
    for (const device of this.devices) device.check();
    const meanings = new Map<string, unknown>();
    const heard = new Map<unknown, number>();
    for (const { id, connections } of this.devices) {
      for (const client of connections) {
        let epoch: string | undefined;
        for (const { hub, offset, data } of client.told) {
          if (hub !== undefined) epoch = hub.epoch;
          else {
            const number = `${id} ${epoch} ${offset}`;
            expect(meanings.get(number) ?? data).toBe(data);
            meanings.set(number, data);
            heard.set(data, (heard.get(data) ?? 0) + 1);
          }
        }
      }
    }
    expect(new Set(meanings.values()).size).toBe(meanings.size);
    let unheard = 0;
    for (const { text, id, delivery } of this.pushed) {
      const { status, connections } = await delivery;
      const times = heard.get(text) ?? 0;
      if (status === 'sent' || status === 'forwarded')
        expect([text, times >= connections]).toEqual([text, true]);
      else if (status !== 'queued') expect([text, status, times]).toEqual([text, status, 0]);
      if (times === 0) unheard += 1;
      void id;
    }
    expect(this.lost).toBeLessThanOrEqual(unheard);
  }

  /** Of those that were there from the beginning on. */
  async checkNothingIsLost(): Promise<void> {
    for (const { connections } of this.devices) {
      for (const { hellos } of connections)
        expect(hellos.some(({ recovered }) => recovered === false)).toBe(false);
    }
    for (const { text, id, delivery } of this.pushed) {
      const { status } = await delivery;
      expect(['sent', 'forwarded', 'queued']).toContain(status);
      const first = this.devices.find((device) => device.id === id);
      if (first === undefined) continue;
      const texts = first.connections.flatMap((client) => client.texts);
      expect([text, texts.filter((each) => each === text).length]).toEqual([text, 1]);
    }
    expect(this.lost).toBe(0);
  }

  /** A client of each id that has been told where it stands before anything is pushed. */
  async beginWithEverybody(): Promise<void> {
    for (const id of ['id-0', 'id-1', 'id-2']) this.join(this.hubs[0]!, id, true);
    await settled();
  }

  async close(): Promise<void> {
    await Promise.all([...this.dying, ...this.hubs.map((hub) => hub.close({ drain: 0 }))]);
  }

  private start(at: number): void {
    this.count += 1;
    const { box, onDuplicate, backplane } = this;
    const hub = new ConnHub({ name: 'chat', node: `n${this.count}`, box, onDuplicate, backplane });
    hub.events$.subscribe((event) => {
      if (event.type === 'dropped' && event.reason === 'box') this.lost += event.messages;
    });
    void hub.start();
    this.hubs[at] = hub;
  }

  private push(hub: ConnHub, id: string): void {
    this.count += 1;
    const text = `m${this.count}`;
    this.pushed.push({ text, id, delivery: hub.push(id, text) });
  }

  private join(hub: ConnHub, id: string, isNew: boolean): void {
    const known = this.devices.filter((device) => device.id === id && !device.isOpen);
    let device = known[0];
    if (isNew || device === undefined) {
      device = new Device(id);
      this.devices.push(device);
    }
    device.join(hub);
  }

  private open(id: string): Device | undefined {
    return this.devices.find((device) => device.id === id && device.isOpen);
  }
}

async function tryOut(
  acts: readonly Act[],
  box: BoxOptions,
  policy: DuplicatePolicy,
  isAmple: boolean,
): Promise<void> {
  const world = new World(box, policy);
  try {
    await settled();
    if (isAmple) await world.beginWithEverybody();
    for (const step of acts) await world.run(step);
    await world.end();
    await world.check();
    if (isAmple) await world.checkNothingIsLost();
  } finally {
    await world.close();
  }
}

describe.each(['replace', 'multi'] as const)(
  "three instances with a box and '%s', whatever happens",
  (policy) => {
    const acts = fc.array(act, { maxLength: 40 });
    it.each([
      ['that is ample', {}, true],
      ['of three messages', { size: 3 }, false],
      ['of one message', { size: 1 }, false],
      ['for two of three ids', { maxIds: 2 }, false],
    ] as const)('keep what they promise, with one %s', async (_what, box, isAmple) => {
      await fc.assert(
        fc.asyncProperty(acts, (steps) => tryOut(steps, box, policy, isAmple)),
        { numRuns: 150 },
      );
    });
  },
);
