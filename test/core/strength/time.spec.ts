import { ConnPool, systemClock } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { TurnClock } from '../../../lib/core/clock.js';
import { parseDuration } from '../../../lib/core/duration.js';
import { lifetimeWithin } from '../../../lib/core/upkeep/lifetime.js';

describe('the time of a turn', () => {
  function turnUnderTest() {
    const clock = new FakeClock(1_000);
    const long: [number, number][] = [];
    let reads = 0;
    const turn = new TurnClock(
      {
        now: () => {
          reads += 1;
          return clock.now();
        },
        setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
        clearTimeout: (timer) => clock.clearTimeout(timer),
        afterTurn: (callback) => clock.afterTurn(callback),
      },
      (beganAt, now) => long.push([beganAt, now]),
    );
    return { clock, turn, long, reads: () => reads };
  }

  it('is read once, and again in the next', async () => {
    const { clock, turn, reads } = turnUnderTest();
    expect(turn.now()).toBe(1_000);
    clock.stall(3);
    expect([turn.now(), turn.now(), reads()]).toEqual([1_000, 1_000, 1]);
    await clock.settle();
    expect(turn.now()).toBe(1_003);
  });

  it('can be read anew within the turn, for all that follows in it', () => {
    const { clock, turn } = turnUnderTest();
    turn.now();
    clock.stall(3);
    expect([turn.read(), turn.now()]).toEqual([1_003, 1_003]);
  });

  it.each([
    [5, 'is nothing to speak of'],
    [6, 'is told: when it began, and when it ended'],
  ])('that lasted %s ms %s', async (ms) => {
    const { clock, turn, long } = turnUnderTest();
    turn.now();
    clock.stall(1);
    turn.read();
    clock.stall(ms - 1);
    await clock.settle();
    expect(long).toEqual(ms > 5 ? [[1_000, 1_006]] : []);
    await clock.advance(1_000);
    turn.now();
    await clock.settle();
    expect(long).toHaveLength(ms > 5 ? 1 : 0);
  });

  it('asks for the end of a turn once, and not while nothing happens', async () => {
    const { clock, turn } = turnUnderTest();
    const { afterTurn } = clock;
    let asked = 0;
    clock.afterTurn = (callback) => {
      asked += 1;
      afterTurn.call(clock, callback);
    };
    turn.now();
    turn.read();
    turn.now();
    await clock.advance('1h');
    expect(asked).toBe(1);
  });
});

describe("the machine's own clock", () => {
  it('is the one that never goes back', () => {
    const before = performance.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    expect(systemClock.now()).toBeLessThanOrEqual(performance.now());
  });

  it('rings what was set, in its time, and not what was called off', async () => {
    const rung: string[] = [];
    const before = performance.now();
    await new Promise<void>((resolve) => {
      systemClock.clearTimeout(systemClock.setTimeout(() => rung.push('off'), 1));
      systemClock.setTimeout(() => {
        rung.push('on');
        resolve();
      }, 20);
    });
    expect(rung).toEqual(['on']);
    expect(performance.now() - before).toBeGreaterThan(15);
  });

  it('calls back when the turn is over: after all promises', async () => {
    const order: string[] = [];
    const over = new Promise<void>((resolve) =>
      systemClock.afterTurn(() => {
        order.push('the turn is over');
        resolve();
      }),
    );
    for (let i = 0; i < 3; i++) await undefined;
    order.push('promises');
    await over;
    expect(order).toEqual(['promises', 'the turn is over']);
  });

  it('is what a pool runs on that is given none', async () => {
    const pool = new ConnPool<object>({ dial: () => ({}), close: () => undefined });
    const lease = await pool.acquire();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const [info] = pool.inspect();
    expect(info?.age).toBeGreaterThan(3);
    lease.release();
    await pool.close();
  });
});

describe('a duration', () => {
  it.each([
    [0, 0],
    [1.5, 1.5],
    [-1, -1],
    [Infinity, Infinity],
    ['250', 250],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    ['Infinity', Infinity],
  ])('%j is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([NaN, '', '   ', 'soon', null, undefined, true, {}, [], Symbol('s'), 5n])('%p is none', (value) => {
    expect(parseDuration(value)).toBe(undefined);
  });
});

describe('the lifetime of a connection', () => {
  it('is shorter than the longest by a random part of the jitter, and endless when there is none', () => {
    const random = Math.random;
    try {
      Math.random = () => 0.5;
      expect(lifetimeWithin(1_000, 0.2)).toBe(900);
      expect(lifetimeWithin(1_000, 0)).toBe(1_000);
      expect(lifetimeWithin(Infinity, 1)).toBe(Infinity);
      Math.random = () => 0;
      expect([lifetimeWithin(1_000, 1), lifetimeWithin(Infinity, 1), lifetimeWithin(Infinity, 0)]).toEqual([
        1_000,
        Infinity,
        Infinity,
      ]);
    } finally {
      Math.random = random;
    }
  });
});
