import { type PoolCall, POOL_CALLS } from './calls.js';
import { Day, PLACES } from './day.js';
import { StrayErrors } from './stray-errors.js';

/** What a user is most likely to do all at once, and the ends of it. */
const MANY: readonly (readonly PoolCall[])[] = [
  POOL_CALLS.filter(
    ({ name }) => !name.startsWith('close by') && name !== 'close' && name !== 'asyncDispose',
  ),
  POOL_CALLS.filter(({ name }) => ['pause', 'acquire', 'evictAll', 'resume'].includes(name)),
  POOL_CALLS.filter(({ name }) => ['closeIdle', 'acquire fresh', 'close'].includes(name)),
  POOL_CALLS.filter(({ name }) => ['shrink', 'acquire', 'tryAcquire', 'close by force'].includes(name)),
];

describe('the pool called from within', () => {
  const stray = new StrayErrors();

  it.each(PLACES)('%s: every call, alone and together with others', async (place) => {
    const wrongs: string[] = [];
    for (const calls of [...POOL_CALLS.map((call) => [call]), ...MANY]) {
      const day = new Day(place, calls, stray);
      await day.live();
      const names = calls.map(({ name }) => name).join(', ');
      if (day.visits === 0) wrongs.push(`${names}: the day never came by`);
      for (const what of day.wrongs) wrongs.push(`${names}: ${what}`);
    }
    expect(wrongs).toEqual([]);
  });
});
