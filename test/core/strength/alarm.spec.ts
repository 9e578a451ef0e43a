import { FakeClock } from 'nestjs-conn-pool/testing';
import type { Appointment } from '../../../lib/core/alarm.js';
import { Runtime } from '../../../lib/core/runtime.js';

/** The alarm of a pool, and what it has rung, in order. */
function alarmUnderTest(start = 1_000) {
  const clock = new FakeClock(start);
  const { alarm } = new Runtime(clock, () => undefined);
  const rung: string[] = [];
  let armed = 0;
  const { setTimeout } = clock;
  clock.setTimeout = (callback, ms) => {
    armed += 1;
    return setTimeout.call(clock, callback, ms);
  };
  const appointment = (name: string, then: () => void = () => undefined): Appointment => ({
    at: NaN,
    place: -1,
    ring: () => {
      rung.push(name);
      then();
    },
  });
  return { clock, alarm, rung, appointment, armed: () => armed };
}

describe('the alarm', () => {
  it('holds no process, unless it is told to, and only as long', () => {
    const { clock, alarm, appointment } = alarmUnderTest();
    alarm.set(appointment('a'), 1_010);
    expect(clock.refs).toBe(0);
    alarm.hold();
    expect(clock.refs).toBe(1);
    alarm.hold();
    alarm.release();
    expect(clock.refs).toBe(1);
    alarm.set(appointment('b'), 1_005);
    expect(clock.refs).toBe(1);
    alarm.release();
    expect(clock.refs).toBe(0);
    alarm.set(appointment('c'), 1_001);
    expect(clock.refs).toBe(0);
  });

  it('may be held and let go while nothing stands', () => {
    const { clock, alarm, appointment } = alarmUnderTest();
    alarm.hold();
    alarm.set(appointment('a'), 1_010);
    expect(clock.refs).toBe(1);
    alarm.close();
    alarm.release();
    expect([clock.refs, clock.pending]).toEqual([0, 0]);
  });

  it('arms one timer for all that is set for the same time or later, and another for what comes before', () => {
    const { clock, alarm, appointment, armed } = alarmUnderTest();
    for (const at of [1_010, 1_010, 1_011, 2_000]) alarm.set(appointment('later'), at);
    expect([armed(), clock.pending]).toEqual([1, 1]);
    alarm.set(appointment('before'), 1_009);
    expect([armed(), clock.pending]).toEqual([2, 1]);
  });

  it('leaves the timer alone when an appointment is called off', async () => {
    const { clock, alarm, appointment, rung, armed } = alarmUnderTest();
    const off = appointment('off');
    alarm.set(off, 1_010);
    alarm.cancel(off);
    alarm.cancel(off);
    alarm.set(appointment('on'), 1_020);
    expect(armed()).toBe(1);
    await clock.advance(20);
    expect(rung).toEqual(['on']);
  });

  it('arms nothing more when the last appointment has rung or was called off', async () => {
    const { clock, alarm, appointment, rung } = alarmUnderTest();
    const off = appointment('off');
    alarm.set(off, 1_010);
    alarm.cancel(off);
    await clock.advance(10);
    expect([rung, clock.pending]).toEqual([[], 0]);
    alarm.set(appointment('on'), 1_011);
    await clock.advance(1);
    expect([rung, clock.pending]).toEqual([['on'], 0]);
  });

  it('moves an appointment that stands: it rings once, at its new time', async () => {
    const { clock, alarm, appointment, rung } = alarmUnderTest();
    const moved = appointment('moved');
    alarm.set(moved, 1_010);
    alarm.set(moved, 1_030);
    await clock.advance(29);
    expect(rung).toEqual([]);
    await clock.advance(1);
    expect(rung).toEqual(['moved']);
    await clock.advance('1h');
    expect(rung).toEqual(['moved']);
  });

  it('set for never is called off', async () => {
    const { clock, alarm, appointment, rung } = alarmUnderTest();
    const never = appointment('never');
    alarm.set(never, 1_010);
    alarm.set(never, Infinity);
    expect(never.place).toBe(-1);
    await clock.advance('1h');
    expect([rung, clock.pending]).toEqual([[], 0]);
  });

  it('rings neither early nor later than Node can, for times between milliseconds', async () => {
    const { clock, alarm, appointment, rung, armed } = alarmUnderTest();
    alarm.set(appointment('a'), 1_010.25);
    await clock.advance(10);
    expect(rung).toEqual([]);
    await clock.advance(1);
    expect([rung, armed()]).toEqual([['a'], 1]);
  });

  it('rings what is overdue at once', async () => {
    const { clock, alarm, appointment, rung } = alarmUnderTest();
    alarm.set(appointment('overdue'), 900);
    await clock.advance(1);
    expect(rung).toEqual(['overdue']);
  });

  it('in the same step rings what those that ring have set for now, and not what they have called off', async () => {
    const { clock, alarm, appointment, rung, armed } = alarmUnderTest();
    const second = appointment('second');
    const off = appointment('off');
    alarm.set(
      appointment('first', () => {
        alarm.set(second, 1_010);
        alarm.set(appointment('later'), 1_040);
        alarm.cancel(off);
      }),
      1_010,
    );
    alarm.set(off, 1_010);
    await clock.advance(10);
    expect(rung).toEqual(['first', 'second']);
    // One timer for those that have rung, one for what is left.
    expect([armed(), clock.pending]).toEqual([2, 1]);
    await clock.advance(30);
    expect(rung).toEqual(['first', 'second', 'later']);
  });

  it('goes on when one that rings throws', async () => {
    const { clock, alarm, appointment, rung } = alarmUnderTest();
    const broken = appointment('broken', () => {
      throw new Error('broken');
    });
    alarm.set(broken, 1_010);
    alarm.set(appointment('next'), 1_010);
    await expect(clock.advance(10)).rejects.toThrow('broken');
    await clock.advance(1);
    expect(rung).toEqual(['broken', 'next']);
  });

  it.each([
    [20, 'at once'],
    [21, 'once the turn is over, for what would have saved the waiters may be queued behind it'],
  ])('a timer that is %s ms late rings %s', async (late) => {
    const { clock, alarm, appointment, rung } = alarmUnderTest();
    const saved = appointment('saved');
    alarm.set(saved, 1_010);
    // Behind the timer of the alarm, and due no earlier: as a packet that arrived while the loop was busy.
    clock.setTimeout(() => alarm.cancel(saved), 10);
    const { afterTurn } = clock;
    const putOff: (() => void)[] = [];
    clock.afterTurn = (callback) => putOff.push(callback);
    clock.stall(10 + late);
    await clock.settle();
    for (const callback of putOff.splice(0)) callback();
    clock.afterTurn = afterTurn;
    expect(rung).toEqual(late > 20 ? [] : ['saved']);
  });

  it('once closed rings nothing, takes nothing, and what stood may be called off as ever', async () => {
    const { clock, alarm, appointment, rung } = alarmUnderTest();
    const stood = [appointment('a'), appointment('b'), appointment('c')];
    for (const [index, each] of stood.entries()) alarm.set(each, 1_010 + index);
    alarm.close();
    expect(clock.pending).toBe(0);
    for (const each of stood) alarm.cancel(each);
    for (const each of stood) alarm.set(each, 1_020);
    expect(stood.map(({ place }) => place)).toEqual([-1, -1, -1]);
    await clock.advance('1h');
    expect([rung, clock.pending]).toEqual([[], 0]);
  });
});
