import { type Backplane, ConnHub, memoryBackplane } from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { fleet, type Fleet, Line, OFFLINE } from './fleet.js';
import { until } from './until.js';

/** What holds over every backplane is in backplanes.spec.ts. */
describe('instances of a hub over the memory backplane', () => {
  const open: Fleet[] = [];
  afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

  /** What was told has been heard. */
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('decide for the newest connection, however late they hear of each other', async () => {
    const backplane = memoryBackplane();
    const made = fleet(2, () => backplane);
    open.push(made);
    const { hubs, join } = made;
    const older = join(0, 'ann');
    const newer = join(1, 'ann');
    // The one with the newer connection comes first.
    await hubs[1]!.start();
    await hubs[0]!.start();
    await until(() => !hubs[0]!.has('ann'));
    expect([older.writableEnded, newer.writableEnded, hubs[1]!.has('ann')]).toEqual([true, false, true]);
  });

  it('serve what is connected to them before they are started, and say so', async () => {
    const backplane = memoryBackplane();
    const early = new ConnHub({ name: 'chat', node: 'early', backplane });
    const line = new Line();
    early.add('ann', line);
    await expect(early.push('ann', 'x')).resolves.toMatchObject({ status: 'sent' });
    await expect(early.push('bob', 'x')).resolves.toEqual({
      status: 'refused',
      connections: 0,
      reason: 'backplane',
    });
    await expect(early.presence('ann')).resolves.toMatchObject({ online: true, complete: false });
    await expect(early.broadcast('y')).resolves.toEqual({ connections: 1, refused: 0, forwarded: false });
    await expect(early.health()).resolves.toMatchObject({
      state: 'degraded',
      backplane: { kind: 'memory', state: 'down' },
    });
    await early.start();
    await expect(early.health()).resolves.toMatchObject({ state: 'up', backplane: { state: 'up' } });
    await expect(early.push('bob', 'x')).resolves.toEqual(OFFLINE);
    await early.close({ drain: 0 });
  });

  it("serve what is connected to them with 'multi' as well, whatever becomes of the others", async () => {
    const backplane = memoryBackplane();
    const early = new ConnHub({ name: 'chat', node: 'early', backplane, onDuplicate: 'multi' });
    const line = new Line();
    early.add('ann', line);
    await expect(early.push('ann', 'x')).resolves.toEqual({ status: 'sent', connections: 1 });
    await expect(early.push('ann', 'y', { key: 'k' })).resolves.toEqual({ status: 'sent', connections: 1 });
    line.cork();
    line.end();
    await expect(early.push('ann', 'z')).resolves.toMatchObject({ status: 'refused' });
    expect(line.heard).toEqual(['x', 'y']);
    expect(early.stats().totals.pushed).toMatchObject({ sent: 2, refused: 1 });
    await early.close({ drain: 0 });
  });

  it('have names and nodes of their own', async () => {
    const backplane = memoryBackplane();
    const first = new ConnHub({ name: 'a', node: 'n', backplane });
    const other = new ConnHub({ name: 'b', node: 'n', backplane });
    expect(() => new ConnHub({ name: 'a', node: 'n', backplane })).toThrow(InvalidOptionsError);
    await Promise.all([first.start(), other.start()]);
    first.add('ann', new Line());
    await settled();
    await expect(other.push('ann', 'x')).resolves.toEqual(OFFLINE);
    await first.close({ drain: 0 });
    // Its place is free again.
    const second = new ConnHub({ name: 'a', node: 'n', backplane });
    await Promise.all([second.close(), other.close()]);
    expect(() => new ConnHub({ backplane: {} as Backplane })).toThrow('backplane: got an object');
  });
});
