import { POOL_CALLS } from './calls.js';
import { STATES, Stand } from './stand.js';
import { StrayErrors } from './stray-errors.js';

/** Each call with each other in one step, itself included: 26 x 26 in 7 states. */
describe('two calls at once', () => {
  const stray = new StrayErrors();

  it.each(STATES.flatMap((state) => POOL_CALLS.map((first) => ({ state, first, name: first.name }))))(
    '$state: $name and each of the others',
    async ({ state, first }) => {
      const wrongs: string[] = [];
      for (const second of POOL_CALLS) {
        const stand = await Stand.in(state, stray);
        for (const { name, gives, call } of [first, second]) stand.do(name, gives, () => call(stand.pool));
        for (const what of await stand.mustEndWell()) wrongs.push(`then ${second.name}: ${what}`);
      }
      expect(wrongs).toEqual([]);
    },
  );
});

/** A call that comes when the first has done what it can, in the state in which that has left the pool. */
describe('two calls, one after the other', () => {
  const stray = new StrayErrors();

  it.each(STATES.flatMap((state) => POOL_CALLS.map((first) => ({ state, first, name: first.name }))))(
    '$state: $name, then each of the others',
    async ({ state, first }) => {
      const wrongs: string[] = [];
      for (const second of POOL_CALLS) {
        const stand = await Stand.in(state, stray);
        for (const { name, gives, call } of [first, second]) {
          stand.do(name, gives, () => call(stand.pool));
          await stand.clock.advance(1);
        }
        for (const what of await stand.mustEndWell()) wrongs.push(`then ${second.name}: ${what}`);
      }
      expect(wrongs).toEqual([]);
    },
  );
});
