import { FakeClock } from 'nestjs-conn-pool/testing';
import { Tally } from '../../lib/nest/tally.js';

describe('Tally', () => {
  const clock = new FakeClock();
  let lines: [number, string][] = [];
  const make = (gather?: number) =>
    new Tally<string>(clock, (count, latest) => void lines.push([count, latest]), gather);

  beforeEach(() => {
    lines = [];
  });
  afterEach(() => expect(clock.pending).toBe(0));

  it('tells the first at once and the rest at the end of the second, by the last of them', async () => {
    const tally = make();
    for (const thing of ['a', 'b', 'c']) tally.add(thing);
    expect(lines).toEqual([[1, 'a']]);
    await clock.advance(999);
    expect(lines).toHaveLength(1);
    await clock.advance(1);
    expect(lines).toEqual([
      [1, 'a'],
      [2, 'c'],
    ]);
    await clock.advance(1000);
    tally.add('d');
    expect(lines.at(-1)).toEqual([1, 'd']);
    tally.restart();
  });

  it('never writes more than a line a second, and passes nothing over', async () => {
    const tally = make();
    for (let i = 0; i < 100; i++) {
      tally.add(String(i));
      await clock.advance(95);
    }
    await clock.advance(2000);
    expect(lines.length).toBeLessThanOrEqual(11);
    expect(lines.reduce((sum, [count]) => sum + count, 0)).toBe(100);
  });

  it('gathers before a first line when told to', async () => {
    const tally = make(100);
    tally.add('a');
    tally.add('b');
    expect(lines).toEqual([]);
    await clock.advance(100);
    expect(lines).toEqual([[2, 'b']]);
    tally.add('c');
    tally.hasten();
    expect(lines).toHaveLength(1);
    await clock.advance(1000);
    expect(lines).toHaveLength(2);
    await clock.advance(1000);
    tally.add('d');
    tally.hasten();
    expect(lines.at(-1)).toEqual([1, 'd']);
    tally.restart();
  });

  it('forgets what it holds back, but not when its last line was', async () => {
    const tally = make();
    tally.add('a');
    tally.add('b');
    tally.forget();
    tally.add('c');
    await clock.advance(1000);
    expect(lines).toEqual([
      [1, 'a'],
      [1, 'c'],
    ]);
    await clock.advance(1000);
  });

  it('restarts as if nothing had been', async () => {
    const tally = make();
    tally.add('a');
    tally.add('b');
    tally.restart();
    tally.add('c');
    expect(lines).toEqual([
      [1, 'a'],
      [1, 'c'],
    ]);
    tally.restart();
  });

  it('writes the rest when it finishes', () => {
    const tally = make(100);
    tally.finish();
    tally.add('a');
    tally.finish();
    expect(lines).toEqual([[1, 'a']]);
  });

  it('keeps no process up', () => {
    const tally = make();
    tally.add('a');
    expect([clock.pending, clock.refs]).toEqual([1, 0]);
    tally.restart();
  });
});
