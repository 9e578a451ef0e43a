import { FakeClock } from 'nestjs-conn-pool/testing';
import { Connection } from '../../../lib/core/connection.js';
import { Probe } from '../../../lib/core/probe.js';
import { Runtime } from '../../../lib/core/runtime.js';
import { follow } from '../pools-under-test.js';

describe('the report on a number of connections', () => {
  function probeUnderTest() {
    const clock = new FakeClock(1_000);
    const { alarm } = new Runtime(clock, () => undefined);
    let over = 0;
    const probe = new Probe<string>(1_000, alarm, 'late', () => (over += 1));
    const [a, b, c] = [1, 2, 3].map(
      (id) => new Connection<string>(id, 0, { end: () => undefined, lose: () => undefined, seen: 0 }),
    );
    return { clock, alarm, probe, over: () => over, all: [a, b, c] as Connection<string>[] };
  }
  type Three = [Connection<string>, Connection<string>, Connection<string>];

  it('is not over before all are counted in, though the first have answered', async () => {
    const { probe, clock, over, all } = probeUnderTest();
    const [a, b] = all as Three;
    const report = follow(probe.report);
    probe.ask(a);
    probe.answer(a, 1_005, true);
    probe.ask(b);
    probe.seal();
    await clock.settle();
    expect([report.now.state, over()]).toEqual(['pending', 0]);
    probe.answer(b, 1_003, false, 'half open');
    await clock.settle();
    expect(over()).toBe(1);
    expect(report.now).toEqual({
      state: 'resolved',
      value: { checked: 2, healthy: 1, failed: 1, latencyMs: 5, cause: 'half open' },
    });
    expect(report.now.state === 'resolved' && Object.isFrozen(report.now.value)).toBe(true);
  });

  it('counts an answer once, and none of those who were not asked', async () => {
    const { probe, clock, all } = probeUnderTest();
    const [a, b, c] = all as Three;
    const report = follow(probe.report);
    for (const one of [a, b]) probe.ask(one);
    probe.seal();
    probe.answer(a, 1_001, true);
    probe.answer(a, 1_009, false, 'again');
    probe.answer(c, 1_009, true);
    probe.answer(b, 1_002, true);
    await clock.settle();
    expect(report.now).toEqual({
      state: 'resolved',
      value: { checked: 2, healthy: 2, failed: 0, latencyMs: 2 },
    });
  });

  it('has no cause where none has failed', async () => {
    const { probe, clock, all } = probeUnderTest();
    const [a] = all as Three;
    const report = follow(probe.report);
    probe.ask(a);
    probe.seal();
    probe.answer(a, 1_001, true);
    await clock.settle();
    expect(report.now.state === 'resolved' && 'cause' in report.now.value).toBe(false);
  });

  it('is about those alone that were not lent before they were asked, and over when none is left', async () => {
    const { probe, clock, over, all } = probeUnderTest();
    const [a, b, c] = all as Three;
    const report = follow(probe.report);
    for (const one of [a, b]) probe.ask(one);
    probe.withdraw(a);
    expect(over()).toBe(0);
    probe.withdraw(c);
    probe.ask(c);
    probe.seal();
    probe.withdraw(c);
    await clock.settle();
    expect([report.now.state, over()]).toEqual(['pending', 0]);
    probe.withdraw(b);
    await clock.settle();
    expect(over()).toBe(1);
    expect(report.now).toEqual({
      state: 'resolved',
      value: { checked: 0, healthy: 0, failed: 0, latencyMs: 0 },
    });
  });

  it('is not over before all are counted in, though all so far have been lent', async () => {
    const { probe, clock, over, all } = probeUnderTest();
    const [a] = all as Three;
    probe.ask(a);
    probe.withdraw(a);
    await clock.settle();
    expect(over()).toBe(0);
    probe.seal();
    await clock.settle();
    expect(over()).toBe(1);
  });

  it('tells the first of the failures', async () => {
    const { probe, clock, alarm, all } = probeUnderTest();
    const [a, b, c] = all as Three;
    const report = follow(probe.report);
    probe.known(false, 'the first');
    probe.known(false, 'the second');
    for (const one of [a, b, c]) probe.ask(one);
    probe.seal();
    probe.answer(a, 1_001, false, 'the third');
    probe.answer(b, 1_002, false, 'the fourth');
    alarm.set(probe, 1_010);
    await clock.advance(10);
    expect(report.now).toEqual({
      state: 'resolved',
      value: { checked: 5, healthy: 0, failed: 5, latencyMs: 10, cause: 'the first' },
    });
  });

  it('is not waited for any longer once it is there', async () => {
    const { probe, clock, alarm, over, all } = probeUnderTest();
    const [a] = all as Three;
    probe.ask(a);
    alarm.set(probe, 1_010);
    probe.seal();
    probe.answer(a, 1_001, true);
    expect(probe.place).toBe(-1);
    await clock.advance(100);
    expect(over()).toBe(1);
  });

  it('of none is there at once', async () => {
    const { probe, clock } = probeUnderTest();
    const report = follow(probe.report);
    probe.seal();
    await clock.settle();
    expect(report.now).toEqual({
      state: 'resolved',
      value: { checked: 0, healthy: 0, failed: 0, latencyMs: 0 },
    });
  });
});
