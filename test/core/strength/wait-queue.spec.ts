import * as fc from 'fast-check';
import { Arrivals, Waiter, WaitQueue } from '../../../lib/core/wait-queue.js';

/** Somebody in the reference line, which is a plain array. */
interface Standing {
  readonly waiter: Waiter<string>;
  readonly priority: number;
}

const noop = (): void => undefined;
const someone = (fresh = false) => new Waiter<string>(noop, noop, fresh, 0, NaN);

/** In the order they are served: a stable sort by priority, nothing more. */
const inOrder = (line: readonly Standing[]): Waiter<string>[] =>
  [...line].sort((one, other) => other.priority - one.priority).map(({ waiter }) => waiter);

describe('the order of the line', () => {
  it('is by priority and then by arrival, whoever comes and goes', () => {
    const joins = fc.record({ priority: fc.constantFrom(0, 0, 0, -2, 1.5, 7), fresh: fc.boolean() });
    const leaves = fc.record({ leaves: fc.nat(30) });
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 3, arbitrary: joins }, { weight: 2, arbitrary: leaves })),
        (acts) => {
          const arrivals = new Arrivals();
          const queue = new WaitQueue<string>(arrivals);
          const line: Standing[] = [];
          let joined = 0;
          for (const act of acts) {
            if ('leaves' in act) {
              const [gone] = line.splice(act.leaves, 1);
              if (gone !== undefined) {
                queue.remove(gone.waiter);
                // Whoever has left is told so twice at times: by a signal, and by the one who served it.
                queue.remove(gone.waiter);
                expect(gone.waiter.lane).toBe(undefined);
              }
            } else {
              const waiter = someone(act.fresh);
              queue.push(waiter, act.priority);
              expect(waiter.number).toBe(joined);
              joined += 1;
              line.push({ waiter, priority: act.priority });
            }
            const order = inOrder(line);
            expect(queue.all()).toEqual(order);
            expect(queue.first(false)).toBe(order[0]);
            expect(queue.first(true)).toBe(order.find(({ fresh }) => !fresh));
            expect(order.map((_, before) => queue.nth(before))).toEqual(order);
            expect(queue.nth(order.length)).toBe(undefined);
            expect([queue.size, arrivals.waiting, arrivals.joined]).toEqual([
              line.length,
              line.length,
              joined,
            ]);
            expect(queue.fresh).toBe(order.filter(({ fresh }) => fresh).length);
          }
        },
      ),
      { seed: 11, numRuns: 60 },
    );
  });

  it('keeps nothing of priorities that nobody has any more', () => {
    const queue = new WaitQueue<string>(new Arrivals());
    for (let priority = 1; priority <= 100; priority++) {
      const waiter = someone();
      queue.push(waiter, priority);
      queue.remove(waiter);
    }
    expect(queue['lanes']).toHaveLength(1);
  });
});
