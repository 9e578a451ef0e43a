import * as fc from 'fast-check';
import { Connection } from '../../../lib/core/connection.js';
import { IdleList } from '../../../lib/core/idle-list.js';
import { Recency } from '../../../lib/core/recency.js';

const keeper = { end: (): void => undefined, lose: (): void => undefined, seen: 0 };
const connections = (count: number) =>
  Array.from({ length: count }, (_, id) =>
    Object.assign(new Connection<string>(id, 0, keeper), { since: 0 }),
  );

const acts = fc.array(
  fc.record({ act: fc.constantFrom('push', 'restore', 'remove'), who: fc.nat(9), used: fc.nat(5) }),
  { maxLength: 60 },
);

describe.each(['lifo', 'fifo'] as const)('the idle connections, %s', (order) => {
  it('are in the order of their last use, whatever comes and goes', () => {
    fc.assert(
      fc.property(acts, (steps) => {
        const list = new IdleList<string>(order);
        const all = connections(10);
        /** The one unused for the longest first. */
        let reference: Connection<string>[] = [];
        let now = 0;
        for (const { act, who, used } of steps) {
          const connection = all[who] as Connection<string>;
          const isThere = reference.includes(connection);
          now += 1;
          if (act === 'remove' && isThere) {
            list.remove(connection);
            reference = reference.filter((one) => one !== connection);
            expect([connection.previous, connection.next]).toEqual([undefined, undefined]);
          } else if (act === 'push' && !isThere) {
            connection.since = now;
            list.push(connection);
            reference.push(connection);
          } else if (act === 'restore' && !isThere) {
            // It comes back from a check: its last use was some time ago, and no other's was at the same time.
            connection.since = now - used - 0.5;
            list.restore(connection);
            reference.push(connection);
            reference.sort((one, other) => one.since - other.since);
          }
          expect(list.byAge()).toEqual(reference);
          expect(list.oldest).toBe(reference[0]);
          expect(list.first).toBe(order === 'lifo' ? reference.at(-1) : reference[0]);
          expect(list.size).toBe(reference.length);
        }
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it('used at the same time, the one that was there first is the older', () => {
    const list = new IdleList<string>(order);
    const [one, other] = connections(2) as [Connection<string>, Connection<string>];
    list.push(one);
    list.restore(other);
    expect(list.byAge()).toEqual([one, other]);
  });
});

describe('the connections of all keys that nobody holds', () => {
  it('are in the order in which they came to rest, whatever comes and goes', () => {
    fc.assert(
      fc.property(acts, (steps) => {
        const recency = new Recency<string>();
        const all = connections(10);
        let reference: Connection<string>[] = [];
        for (const { act, who, used } of steps) {
          const connection = all[who] as Connection<string>;
          const isThere = reference.includes(connection);
          if (act === 'remove') {
            recency.delete(connection);
            reference = reference.filter((one) => one !== connection);
          } else {
            connection.state = used === 0 ? 'checking' : 'idle';
            recency.add(connection);
            if (!isThere) reference.push(connection);
          }
          expect(connection.resting).toBe(reference.includes(connection));
          expect(recency.size).toBe(reference.length);
          expect(recency.oldestIdle()).toBe(reference.find(({ state }) => state === 'idle'));
        }
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});
