import { AsyncResource } from 'node:async_hooks';
import * as fc from 'fast-check';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { Alarm, type Appointment } from '../../lib/core/alarm.js';
import { TurnClock } from '../../lib/core/clock.js';

const TIMES = 50;

describe('the alarm', () => {
  it('rings what stands, in the order of the times, and nothing that was called off', async () => {
    const step = fc.record({ who: fc.nat(39), at: fc.option(fc.nat(TIMES - 1), { freq: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 200 }), async (steps) => {
        const clock = new FakeClock();
        const alarm = new Alarm(clock, new TurnClock(clock, () => undefined), new AsyncResource('test'));
        const rung: number[] = [];
        const expected = new Map<number, number>();
        const all = Array.from({ length: 40 }, (_, who): Appointment => {
          return { at: NaN, place: -1, ring: (now) => rung.push(now * 100 + who) };
        });
        for (const { who, at } of steps) {
          if (at === null) {
            alarm.cancel(all[who] as Appointment);
            expected.delete(who);
          } else {
            alarm.set(all[who] as Appointment, clock.now() + at + 1);
            expected.set(who, clock.now() + at + 1);
          }
        }
        await clock.advance(TIMES + 1);
        const times = rung.map((each) => Math.floor(each / 100));
        expect(times).toEqual([...times].sort((one, other) => one - other));
        expect([...rung].sort((one, other) => one - other)).toEqual(
          Array.from(expected, ([who, at]) => at * 100 + who).sort((one, other) => one - other),
        );
        expect(clock.pending).toBe(0);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
