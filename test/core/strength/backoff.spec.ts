import { jest } from '@jest/globals';
import { Backoff } from '../../../lib/core/upkeep/backoff.js';
import { poolsUnderTest, follow } from '../pools-under-test.js';

const INITIAL = 100;
const MAX = 5_000;

describe('the back-off', () => {
  const make = poolsUnderTest();

  const throwing = (dice: number) => jest.spyOn(Math, 'random').mockReturnValue(dice);
  afterEach(() => jest.restoreAllMocks());

  /** Dials that fail one after the other, each begun when the one before it has failed. */
  const failAt = (backoff: Backoff, ...times: number[]) => {
    for (const at of times) backoff.fail(at - 1, at, new Error(`at ${at}`), false);
  };
  const delayAt = (backoff: Backoff, now: number) => backoff.readyAt - now;

  it('doubles with every round, up to its cap', () => {
    throwing(1);
    const backoff = new Backoff(INITIAL, MAX);
    const delays = [10, 20, 30, 40, 50, 60, 70, 80].map((at) => {
      failAt(backoff, at);
      return delayAt(backoff, at);
    });
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  it('takes dials that ran side by side for one round', () => {
    throwing(1);
    const backoff = new Backoff(INITIAL, MAX);
    failAt(backoff, 10);
    backoff.fail(10, 11, 'begun in the instant in which the first failed', false);
    backoff.fail(3, 12, 'begun before', false);
    expect([backoff.failures, backoff.readyAt]).toEqual([3, 110]);
    failAt(backoff, 20);
    expect(delayAt(backoff, 20)).toBe(200);
  });

  it('keeps rounds apart also when the dice show 0', async () => {
    throwing(0);
    const { pool, connector, clock } = make({ dialAttempts: 1_000 });
    connector.dial.always('throw');
    follow(pool.acquire({ timeout: 20 }));
    await clock.advance(10);
    expect(connector.dial.count).toBe(11);
    await clock.advance(10);
  });

  it('tells of no outage where there was none', () => {
    expect(new Backoff(INITIAL, MAX).succeed(7)).toBe(undefined);
    const backoff = new Backoff(INITIAL, MAX);
    // One that was dialled has died soon, which is no failed dial.
    expect([backoff.setBack(1, 2, 'hung up'), backoff.entered]).toEqual([true, true]);
    expect(backoff.succeed(7)).toBe(undefined);
  });

  it('tells how long an outage has lasted, from its first failure on', () => {
    const backoff = new Backoff(INITIAL, MAX);
    failAt(backoff, 10, 500, 900);
    expect(backoff.succeed(1_000)).toEqual({ failures: 3, downMs: 990 });
    failAt(backoff, 2_000);
    expect(backoff.succeed(2_500)).toEqual({ failures: 1, downMs: 500 });
  });

  it('is over with a success, and so is what the last failure said', () => {
    throwing(1);
    const backoff = new Backoff(INITIAL, MAX);
    backoff.fail(9, 10, 'wrong password', true);
    expect(backoff).toMatchObject({ failures: 1, lastError: 'wrong password', permanent: true });
    backoff.succeed(11);
    expect(backoff).toMatchObject({
      failures: 0,
      lastError: undefined,
      permanent: false,
      readyAt: -Infinity,
    });
    failAt(backoff, 12);
    expect(delayAt(backoff, 12)).toBe(100);
  });

  it('holds at times below zero as it does above', () => {
    throwing(1);
    const backoff = new Backoff(INITIAL, MAX);
    expect(backoff.readyAt).toBeLessThan(-1e9);
    failAt(backoff, -1_000);
    expect(backoff.readyAt).toBe(-900);
    backoff.succeed(-950);
    expect(backoff.readyAt).toBeLessThan(-1e9);
    failAt(backoff, -940);
    expect(backoff.readyAt).toBe(-840);
  });

  describe('for a connection that has died unused', () => {
    it('is a step like that of a failed dial, and knows of what it died', () => {
      throwing(1);
      const backoff = new Backoff(INITIAL, MAX);
      expect(backoff.setBack(10, 20, 'hung up')).toBe(true);
      expect(backoff).toMatchObject({ failures: 0, lastError: 'hung up', readyAt: 120 });
    });

    it('blames the dial as long as the longest delay, and no longer', () => {
      const backoff = new Backoff(INITIAL, MAX);
      expect(backoff.setBack(0, MAX + 1, 'of old age')).toBe(false);
      expect(backoff).toMatchObject({ lastError: undefined, readyAt: -Infinity });
      expect(backoff.setBack(0, MAX, 'hung up')).toBe(true);
    });

    it('grows although the dials succeed: they prove nothing', () => {
      throwing(1);
      const backoff = new Backoff(INITIAL, MAX);
      const delays = [10, 200, 500].map((at) => {
        backoff.succeed(at - 1);
        backoff.setBack(at - 1, at, 'hung up');
        return delayAt(backoff, at);
      });
      expect(delays).toEqual([100, 200, 400]);
      backoff.succeed(900);
      expect(backoff.readyAt).toBe(900);
    });

    it('is over when a dial succeeds so late that the death is long past', () => {
      throwing(1);
      const backoff = new Backoff(INITIAL, MAX);
      backoff.setBack(9, 10, 'hung up');
      backoff.succeed(10 + MAX);
      expect(backoff.readyAt).toBe(110);
      backoff.succeed(11 + MAX);
      expect(backoff.readyAt).toBe(-Infinity);
      backoff.setBack(6_000, 6_001, 'hung up');
      expect(delayAt(backoff, 6_001)).toBe(100);
    });

    it('is over with a success, once a dial has failed in earnest after it', () => {
      throwing(1);
      const backoff = new Backoff(INITIAL, MAX);
      backoff.setBack(9, 10, 'hung up');
      failAt(backoff, 120);
      backoff.succeed(320);
      expect(backoff.readyAt).toBe(-Infinity);
    });
  });

  it('remembers what killed a connection, unless nothing is known of it or dials fail for good', () => {
    const backoff = new Backoff(100, 1_000);
    const [refused, reset, wrong] = ['refused', 'reset', 'wrong password'].map((text) => new Error(text));
    backoff.fail(0, 1, refused, false);
    backoff.setBack(1, 2, undefined);
    expect(backoff.lastError).toBe(refused);
    backoff.setBack(1, 3, reset);
    expect(backoff.lastError).toBe(reset);
    backoff.fail(3, 4, wrong, true);
    backoff.setBack(3, 5, reset);
    expect(backoff.lastError).toBe(wrong);
  });
});
