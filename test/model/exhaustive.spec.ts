import { mkdir, writeFile } from 'node:fs/promises';
import { explore, type Explored } from './explore.js';
import { SCOPES } from './scopes.js';

/*
 * Every history of a small pool: one or two connections, up to three waiters, up to six acts, and between them every
 * answer of the connector, well or badly, in every order; also those that come when nobody waits for them any more.
 * After each step every invariant of safety and of accounting is asked; after each history everything heals, nobody may
 * be left waiting, the pool is closed, and nothing may be left.
 *
 * What is left out, and why nothing is lost:
 *
 * - Histories that have led to the same state are followed once. The same state means: all that can be reached from the
 *   pool, from what its connector has to answer and from what the reference knows of what exists is the same, object for
 *   object (`fingerprint`). The engine has no other memory and throws no other dice (they always show the same here), so
 *   what may follow is the same, too; the second test counts that. Left out of the comparison is only what no decision
 *   reads, each with its reason: counts, texts, names; numbers that are only compared with each other count by their
 *   order; times count from now, and beyond the longest duration they are all long ago. The search is by the number of
 *   acts: whoever reaches a state first has the most left to do.
 * - A pool that is closed does nothing any more: those states differ only in what comes late.
 * - Time passes to the next timer and no less: in between nothing can tell the difference.
 * - Every release is followed by everything else that can be called on its lease, which must do nothing: as acts of
 *   their own these would only be in the way.
 * - With two connections a close always goes well (one that fails frees its slot in the same way: with one connection
 *   both are tried, and lead to the same states), and nothing is discarded (a death and a release end a connection alike).
 *
 * A failure prints the shortest history that shows it.
 */

/** Of states and of schedules, at the least: fewer would mean that something is not tried any more. */
const FLOORS: Readonly<Record<string, readonly [states: number, schedules: number]>> = {
  'two connections, six acts': [10_000, 900_000],
  'one connection, six acts': [3_500, 3_000_000],
  'one connection or two': [3_500, 180_000],
  'one connection with heartbeats and resets': [2_500, 450_000],
  'one connection, four pairs': [750, 120_000],
};

/** MODEL_DEEPER=1 allows one act more. */
const { MODEL_DEEPER = '0' } = process.env;

const explored: Record<string, Explored> = {};

describe('every history of a small pool', () => {
  it.each(Object.entries(SCOPES))(
    '%s',
    async (name, scope) => {
      const found = await explore({ ...scope, most: scope.most + Number(MODEL_DEEPER) });
      expect(found.wrong).toBeUndefined();
      explored[name] = found;
      const floor = Object.entries(FLOORS).find(([begins]) => name.startsWith(begins));
      const [states, schedules] = floor?.[1] ?? [Infinity, Infinity];
      expect(found.states).toBeGreaterThanOrEqual(states);
      expect(found.schedules).toBeGreaterThanOrEqual(schedules);
    },
    3_600_000,
  );

  it.each(Object.entries(SCOPES))(
    'as many are counted without merging, in half the acts: %s',
    async (_name, scope) => {
      const half = { ...scope, most: scope.most / 2 };
      const merged = await explore(half);
      const unmerged = await explore(half, false);
      expect(unmerged.wrong).toBeUndefined();
      expect(unmerged.schedules).toBe(unmerged.states);
      expect(merged.schedules).toBe(unmerged.schedules);
      expect(merged.states).toBeLessThan(unmerged.states);
    },
  );

  // What was tried in how many ways, for whoever wants to know: the console may be silent.
  afterAll(async () => {
    await mkdir('build', { recursive: true });
    await writeFile('build/exhaustive.json', `${JSON.stringify(explored, undefined, 2)}\n`);
  });
});
