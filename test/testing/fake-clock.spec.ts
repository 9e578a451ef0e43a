import { AsyncLocalStorage } from 'node:async_hooks';
import { FakeClock } from 'nestjs-conn-pool/testing';

describe('FakeClock', () => {
  it('stands still until it is moved', async () => {
    const clock = new FakeClock();
    await clock.settle();
    expect(clock.now()).toBe(0);
    await clock.advance('1.5s');
    expect(clock.now()).toBe(1500);
    await clock.advance(0);
    expect(clock.now()).toBe(1500);
    expect(new FakeClock(42).now()).toBe(42);
  });

  it('fires timers in the order of their times, ties in the order they were armed, each at its time', async () => {
    const clock = new FakeClock();
    const fired: [string, number][] = [];
    const arm = (name: string, ms: number) => clock.setTimeout(() => fired.push([name, clock.now()]), ms);
    arm('c', 30);
    arm('a', 10);
    arm('d', 30);
    arm('b', 20);
    arm('late', 31);
    await clock.advance(30);
    expect(fired).toEqual([
      ['a', 10],
      ['b', 20],
      ['c', 30],
      ['d', 30],
    ]);
    expect(clock.pending).toBe(1);
    expect(clock.fired).toBe(4);
  });

  it('fires a timer armed by a timer within the same advance', async () => {
    const clock = new FakeClock();
    const at: number[] = [];
    const again = () => {
      at.push(clock.now());
      if (at.length < 3) clock.setTimeout(again, 10);
    };
    clock.setTimeout(again, 10);
    await clock.advance(25);
    expect(at).toEqual([10, 20]);
    await clock.advance(5);
    expect(at).toEqual([10, 20, 30]);
  });

  it('never fires a timer that was cleared, also when it is cleared by another at the same time', async () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    clock.setTimeout(() => clock.clearTimeout(second), 10);
    const second = clock.setTimeout(() => fired.push('second'), 10);
    const third = clock.setTimeout(() => fired.push('third'), 10);
    clock.clearTimeout(third);
    clock.clearTimeout(third);
    await clock.advance(100);
    expect(fired).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('lets long chains of promises, ticks and immediates settle after every timer', async () => {
    const clock = new FakeClock();
    const log: string[] = [];
    const chain = async () => {
      for (let depth = 0; depth < 500; depth++) await undefined;
      await new Promise<void>((resolve) => process.nextTick(resolve));
      for (let depth = 0; depth < 500; depth++) await undefined;
      log.push(`chain at ${clock.now()}`);
    };
    clock.setTimeout(() => void chain(), 10);
    clock.setTimeout(() => log.push('next timer'), 10);
    await clock.advance(50);
    expect(log).toEqual(['chain at 10', 'next timer']);
  });

  it('settles what was under way before it moves', async () => {
    const clock = new FakeClock();
    let at = -1;
    void Promise.resolve()
      .then(() => undefined)
      .then(() => (at = clock.now()));
    await clock.advance(10);
    expect(at).toBe(0);
  });

  it('ends the turn before time moves and after every timer', async () => {
    const clock = new FakeClock();
    const ends: number[] = [];
    clock.afterTurn(() => ends.push(clock.now()));
    clock.setTimeout(() => clock.afterTurn(() => ends.push(clock.now())), 10);
    clock.setTimeout(() => ends.push(-1), 11);
    expect(ends).toEqual([]);
    await clock.advance(20);
    expect(ends).toEqual([0, 10, -1]);
    clock.afterTurn(() => ends.push(clock.now()));
    await clock.settle();
    expect(ends.at(-1)).toBe(20);
  });

  it('cries out when turns never end', async () => {
    const clock = new FakeClock();
    const again = () => clock.afterTurn(again);
    again();
    await expect(clock.settle()).rejects.toThrow('afterTurn');
  });

  it('runs timers late after a stall', async () => {
    const clock = new FakeClock();
    const at: number[] = [];
    clock.setTimeout(() => at.push(clock.now()), 10);
    clock.setTimeout(() => at.push(clock.now()), 5_000);
    clock.setTimeout(() => at.push(clock.now()), 20_000);
    clock.stall('10s');
    expect(at).toEqual([]);
    await clock.settle();
    expect(at).toEqual([10_000, 10_000]);
    await clock.advance('10s');
    expect(at).toEqual([10_000, 10_000, 20_000]);
  });

  it('counts armed timers and those that hold the process', () => {
    const clock = new FakeClock();
    const timer = clock.setTimeout(() => undefined, 10);
    clock.setTimeout(() => undefined, 10).unref();
    expect([clock.pending, clock.refs]).toEqual([2, 1]);
    timer.unref();
    expect([clock.pending, clock.refs]).toEqual([2, 0]);
    timer.ref();
    expect([clock.pending, clock.refs]).toEqual([2, 1]);
    clock.clearTimeout(timer);
    expect([clock.pending, clock.refs]).toEqual([1, 0]);
  });

  it('takes delays as Node does: whole milliseconds, at least 1, and 1 for what is too long', async () => {
    const clock = new FakeClock();
    const fired: number[] = [];
    for (const ms of [0, -5, 2.9, 2 ** 31, Infinity, NaN]) clock.setTimeout(() => fired.push(ms), ms);
    clock.setTimeout(() => fired.push(-1), 2 ** 31 - 1);
    await clock.advance(1);
    expect(fired).toEqual([0, -5, 2 ** 31, Infinity, NaN]);
    await clock.advance(1);
    expect(fired.at(-1)).toBe(2.9);
    await clock.advance(2 ** 31 - 4);
    expect(fired.at(-1)).toBe(2.9);
    await clock.advance(1);
    expect(fired.at(-1)).toBe(-1);
  });

  it('runs a callback in the async context it was armed in', async () => {
    const clock = new FakeClock();
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    storage.run('armed', () => clock.setTimeout(() => seen.push(storage.getStore()), 1));
    storage.run('turn', () => clock.afterTurn(() => seen.push(storage.getStore())));
    await storage.run('advancing', () => clock.advance(1));
    expect(seen).toEqual(['turn', 'armed']);
  });

  it('rejects with what a timer throws, and goes on working', async () => {
    const clock = new FakeClock();
    clock.setTimeout(() => {
      throw new Error('from a timer');
    }, 10);
    await expect(clock.advance(100)).rejects.toThrow('from a timer');
    await clock.advance(90);
    expect(clock.now()).toBe(100);
  });

  it('refuses what is no duration, and two movements at once', async () => {
    const clock = new FakeClock();
    for (const bad of [-1, NaN, Infinity, 'soon'])
      await expect(clock.advance(bad)).rejects.toThrow(RangeError);
    expect(() => clock.stall(-1)).toThrow(RangeError);
    const moving = clock.advance(1);
    await expect(clock.advance(1)).rejects.toThrow('already');
    await moving;
  });
});
