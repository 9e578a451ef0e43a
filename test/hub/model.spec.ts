import fc from 'fast-check';
import { type Delivery, DuplicateIdError, type DuplicatePolicy, memoryBackplane } from 'nestjs-conn-pool/hub';
import { fleet, type Fleet, type Line } from './fleet.js';

/**
 * Three instances, random joins, hang-ups, deletions, pushes, broadcasts and kicks. What must hold:
 *
 * 1. What was told as sent or forwarded was heard, once and in order, by as many connections as were told.
 * 2. What was told as offline or refused was heard by nobody.
 * 3. When all is quiet, every instance sees the same of each id, and it is the truth: the connections that are open.
 * 4. With 'replace' and 'reject' an id has one connection at most then.
 * 5. An id is told online and offline in turn, and the last word is the truth.
 * 6. Nothing is left: no connection, no group, no queue, when everybody has gone.
 */
type Act =
  | { do: 'join'; at: number; id: number }
  | { do: 'hang-up' | 'delete' | 'kick' | 'push'; at: number; id: number }
  | { do: 'broadcast'; at: number }
  | { do: 'settle' };

const place = { at: fc.nat(2), id: fc.nat(2) };
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), ...place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('hang-up' as const), ...place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), ...place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kick' as const), ...place }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), ...place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('broadcast' as const), at: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
);

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const isOpen = ({ writableEnded, destroyed }: Line): boolean => !writableEnded && !destroyed;

class World {
  readonly lines: { line: Line; id: string; at: number }[] = [];
  readonly pushed: { text: string; delivery: Promise<Delivery> }[] = [];
  readonly casts: { text: string; connections: Promise<number> }[] = [];
  private count = 0;

  constructor(readonly fleet: Fleet) {}

  async run(step: Act): Promise<void> {
    if (step.do === 'settle') return settled();
    const hub = this.fleet.hubs[step.at]!;
    this.count += 1;
    const text = `m${this.count}`;
    if (step.do === 'broadcast') {
      const told = hub.broadcast(text, { local: true }).then(({ connections }) => connections);
      this.casts.push({ text, connections: told });
      return;
    }
    const id = `id-${step.id}`;
    if (step.do === 'join') this.join(step.at, id);
    if (step.do === 'hang-up') this.lines.find((each) => each.id === id && isOpen(each.line))?.line.hangUp();
    if (step.do === 'delete') hub.delete(id);
    if (step.do === 'kick') void hub.kick(id);
    if (step.do === 'push') this.pushed.push({ text, delivery: hub.push(id, text) });
  }

  private join(at: number, id: string): void {
    try {
      this.lines.push({ line: this.fleet.join(at, id), id, at });
    } catch (error) {
      expect(error).toBeInstanceOf(DuplicateIdError);
    }
  }

  async check(policy: DuplicatePolicy): Promise<void> {
    await settled();
    await this.checkDeliveries();
    for (const id of ['id-0', 'id-1', 'id-2']) await this.checkId(id, policy);
  }

  private async checkDeliveries(): Promise<void> {
    const heardBy = (text: string): number =>
      this.lines.reduce((sum, { line }) => sum + line.heard.filter((each) => each === text).length, 0);
    for (const { text, delivery } of this.pushed) {
      const { status, connections } = await delivery;
      expect([text, status, heardBy(text)]).toEqual([text, status, connections]);
      expect(connections > 0).toBe(status === 'sent' || status === 'forwarded');
    }
    for (const { text, connections } of this.casts) {
      expect([text, heardBy(text)]).toEqual([text, await connections]);
    }
    for (const { line } of this.lines) {
      const numbers = line.heard.map((text) => Number(text.slice(1)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  }

  private async checkId(id: string, policy: DuplicatePolicy): Promise<void> {
    const truth = this.lines
      .filter((each) => each.id === id && isOpen(each.line))
      .map(({ at }) => `n${at}`)
      .sort();
    if (policy !== 'multi') expect(truth.length).toBeLessThanOrEqual(1);
    for (const hub of this.fleet.hubs) {
      const { connections, complete } = await hub.presence(id);
      expect([connections.map(({ node }) => node).sort(), complete]).toEqual([truth, true]);
    }
    const words = this.inOrder
      .filter((word) => word.endsWith(`line ${id}`))
      .map((word) => word.split(' ')[0]);
    words.forEach((word, at) => expect(word).toBe(at % 2 === 0 ? 'online' : 'offline'));
    expect(words.length % 2 === 1).toBe(truth.length > 0);
  }

  /** Online and offline, of all instances, as they were told. */
  readonly inOrder: string[] = [];
}

describe.each(['replace', 'reject', 'multi'] as const)(
  "three instances with '%s', whatever happens",
  (policy) => {
    it('keep what they promise', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
          const backplane = memoryBackplane();
          const made = fleet(3, () => backplane, { onDuplicate: policy });
          const world = new World(made);
          for (const hub of made.hubs) {
            hub.events$.subscribe((event) => {
              if (event.type === 'online' || event.type === 'offline')
                world.inOrder.push(`${event.type} ${event.id}`);
            });
          }
          try {
            await Promise.all(made.hubs.map((hub) => hub.start()));
            for (const step of acts) await world.run(step);
            await world.check(policy);
            for (const { line } of world.lines) line.hangUp();
            await world.check(policy);
            for (const hub of made.hubs) {
              expect(hub.stats()).toMatchObject({
                connections: 0,
                groups: 0,
                queuedMessages: 0,
                queuedBytes: 0,
              });
            }
          } finally {
            await made.close();
          }
        }),
        { numRuns: 300 },
      );
    });
  },
);
