import { type Backplane, ConnHub, type ConnHubOptions, memoryBackplane } from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { fleet, type Fleet, Line, OFFLINE } from './fleet.js';
import { until } from './until.js';

describe('instances of a hub over the memory backplane', () => {
  const open: Fleet[] = [];
  afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

  async function started(count: number, options: ConnHubOptions = {}): Promise<Fleet> {
    const backplane = memoryBackplane();
    const made = fleet(count, () => backplane, options);
    open.push(made);
    await Promise.all(made.hubs.map((hub) => hub.start()));
    return made;
  }
  /** What was told has been heard. */
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('push to an id wherever it is, and tell where', async () => {
    const { hubs, join } = await started(3);
    const line = join(1, 'ann');
    await settled();
    await expect(hubs[0]!.push('ann', { a: 1 })).resolves.toEqual({
      status: 'forwarded',
      connections: 1,
      node: 'n1',
    });
    await expect(hubs[1]!.push('ann', 'here')).resolves.toEqual({ status: 'sent', connections: 1 });
    await expect(hubs[2]!.push('bob', 'x')).resolves.toEqual(OFFLINE);
    expect(line.heard).toEqual(['{"a":1}', 'here']);
    expect(hubs[0]!.stats().totals.pushed).toMatchObject({ forwarded: 1, sent: 0 });
    expect(hubs[1]!.stats().totals.pushed).toMatchObject({ forwarded: 0, sent: 2 });
  });

  it('keep the order of what is forwarded', async () => {
    const { hubs, join } = await started(2);
    const line = join(1, 'ann');
    await settled();
    await Promise.all(Array.from({ length: 500 }, (_, i) => hubs[0]!.push('ann', `${i}`)));
    expect(line.heard.map(Number)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it('pass acknowledgements on', async () => {
    const { hubs, join } = await started(2);
    const line = join(1, 'ann');
    const lines = hubs[1]!.get('ann')[0]!.lines();
    await settled();
    const pushed = hubs[0]!.push('ann', 'x', { ack: true });
    await until(() => line.heard.length === 1);
    line.say('{"ack":1}\n');
    await expect(pushed).resolves.toEqual({ status: 'forwarded', connections: 1, node: 'n1', acked: true });
    await lines.return?.();
    const again = hubs[0]!.push('ann', 'y', { ack: true });
    await until(() => line.heard.length === 2);
    line.hangUp();
    await expect(again).resolves.toEqual({ status: 'forwarded', connections: 1, node: 'n1', acked: false });
    await expect(hubs[0]!.push('ann', 'z', { ack: true })).resolves.toEqual({ ...OFFLINE, acked: false });
  });

  it('reject a forwarded push by its signal', async () => {
    const { hubs, join } = await started(2);
    join(1, 'ann');
    await settled();
    const abort = new AbortController();
    const pushed = hubs[0]!.push('ann', 'x', { ack: true, signal: abort.signal });
    abort.abort();
    await expect(pushed).rejects.toBe(abort.signal.reason);
  });

  it('broadcast to all of them, to groups, and but for some, unless told to stay', async () => {
    const { hubs, join } = await started(3);
    const [ann, bob, cat] = [join(0, 'ann'), join(1, 'bob'), join(2, 'cat')];
    hubs[1]!.join('bob', 'g');
    await settled();
    await expect(hubs[0]!.broadcast('all')).resolves.toEqual({ connections: 1, refused: 0, forwarded: true });
    await hubs[0]!.broadcast('group', { group: 'g' });
    await hubs[0]!.broadcast('but cat', { except: ['cat'] });
    await expect(hubs[0]!.broadcast('local', { local: true })).resolves.toMatchObject({ forwarded: false });
    await until(() => bob.heard.length === 3);
    expect([ann.heard, bob.heard, cat.heard]).toEqual([
      ['all', 'but cat', 'local'],
      ['all', 'group', 'but cat'],
      ['all'],
    ]);
  });

  it("move an id to its newest connection with 'replace'", async () => {
    const { hubs, join, told } = await started(2);
    const older = join(0, 'ann');
    await settled();
    const newer = join(1, 'ann');
    await until(() => !hubs[0]!.has('ann'));
    expect([older.writableEnded, newer.writableEnded]).toEqual([true, false]);
    await expect(hubs[0]!.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded', node: 'n1' });
    expect(told).toEqual([['joined ann', 'online ann', 'left ann replaced'], ['joined ann']]);
    newer.hangUp();
    await until(() => told[1]!.includes('offline ann'));
    expect(told[0]).not.toContain('offline ann');
  });

  it("leave an id to its oldest connection with 'reject'", async () => {
    const { hubs, join, told } = await started(2, { onDuplicate: 'reject' });
    join(0, 'ann');
    await settled();
    const newer = join(1, 'ann');
    await until(() => !hubs[1]!.has('ann'));
    expect([newer.writableEnded, told[1]]).toEqual([true, ['joined ann', 'left ann duplicate']]);
    expect(hubs[0]!.has('ann')).toBe(true);
    hubs[0]!.delete('ann');
    await settled();
    join(1, 'ann');
    await settled();
    expect(hubs[1]!.has('ann')).toBe(true);
    expect(told[1]).toContain('online ann');
  });

  it("keep all connections of an id with 'multi', and forward to each of them", async () => {
    const { hubs, join, told } = await started(3, { onDuplicate: 'multi' });
    const lines = [join(1, 'ann'), join(1, 'ann'), join(2, 'ann')];
    await settled();
    await expect(hubs[0]!.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded', connections: 3 });
    expect(lines.map(({ heard }) => heard)).toEqual([['x'], ['x'], ['x']]);
    const { online, connections, complete } = await hubs[0]!.presence('ann');
    expect([online, connections.map(({ node }) => node), complete]).toEqual([true, ['n1', 'n1', 'n2'], true]);
    lines[0]!.hangUp();
    lines[2]!.hangUp();
    await settled();
    expect(told.flat().filter((line) => line.startsWith('o'))).toEqual(['online ann']);
    lines[1]!.hangUp();
    await settled();
    expect(told.flat().filter((line) => line.startsWith('o'))).toEqual(['online ann', 'offline ann']);
  });

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
    await early.close();
  });

  it('throw an id out everywhere', async () => {
    const { hubs, join } = await started(3, { onDuplicate: 'multi' });
    for (const at of [0, 1, 2]) join(at, 'ann');
    join(2, 'bob');
    await settled();
    await expect(hubs[0]!.kick('ann')).resolves.toBe(3);
    expect(hubs.map((hub) => [...hub.ids()])).toEqual([[], [], ['bob']]);
    await expect(hubs[0]!.presence('ann')).resolves.toMatchObject({ online: false });
  });

  it('were never without an id that is back within offlineGrace, on whichever instance', async () => {
    for (const onDuplicate of ['replace', 'reject', 'multi'] as const) {
      const { hubs, join, told } = await started(2, { onDuplicate, offlineGrace: 60 });
      join(0, 'ann').hangUp();
      await until(() => !hubs[0]!.has('ann'));
      await settled();
      // It is not there, though nobody has been told that it is gone.
      await expect(hubs[1]!.push('ann', 'x')).resolves.toEqual(OFFLINE);
      await expect(hubs[1]!.presence('ann')).resolves.toMatchObject({ online: false });
      const back = join(1, 'ann');
      await settled();
      await expect(hubs[0]!.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded', node: 'n1' });
      back.hangUp();
      await until(() => told[1]!.includes('offline ann'));
      expect(told.flat().filter((line) => line.startsWith('o'))).toEqual(['online ann', 'offline ann']);
    }
  });

  it('give up their ids when they close, and tell who is offline', async () => {
    const { hubs, join, told } = await started(2, { offlineGrace: 60_000 });
    join(0, 'ann');
    join(0, 'bob').hangUp();
    await until(() => !hubs[0]!.has('bob'));
    await settled();
    await hubs[0]!.close();
    expect(told[0]!.filter((line) => line.startsWith('offline')).sort()).toEqual([
      'offline ann',
      'offline bob',
    ]);
    await expect(hubs[1]!.push('ann', 'x')).resolves.toEqual(OFFLINE);
    await expect(hubs[1]!.presence('ann')).resolves.toEqual({
      id: 'ann',
      online: false,
      connections: [],
      complete: true,
    });
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
    await first.close();
    // Its place is free again.
    const second = new ConnHub({ name: 'a', node: 'n', backplane });
    await Promise.all([second.close(), other.close()]);
    expect(() => new ConnHub({ backplane: {} as Backplane })).toThrow('backplane: got an object');
  });
});
