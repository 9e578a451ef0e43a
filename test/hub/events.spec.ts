import { houses } from './houses.js';
import { until } from './until.js';

describe('the events of a hub', () => {
  const house = houses();

  it('tell who comes and goes, in that order, and where and when', async () => {
    const before = Date.now();
    const it = await house({ name: 'chat' });
    const client = await it.join('ann');
    client.socket.close(4000);
    await until(() => it.events.length === 4);
    expect(it.events).toMatchObject([
      { type: 'joined', hub: 'chat', id: 'ann', connections: 1 },
      { type: 'online', hub: 'chat', id: 'ann' },
      { type: 'left', hub: 'chat', id: 'ann', reason: 'closed', code: 4000, connections: 0 },
      { type: 'offline', hub: 'chat', id: 'ann' },
    ]);
    for (const { at } of it.events) expect(at).toBeGreaterThanOrEqual(before);
  });

  it('find the hub as it is after the step they belong to, and what a listener causes is told after it', async () => {
    const it = await house();
    const seen: unknown[] = [];
    it.hub.events$.subscribe((event) => {
      seen.push([event.type, it.hub.size]);
      if (event.type === 'left') it.hub.delete('ann');
    });
    const older = await it.join('ann');
    const newer = await it.join('ann');
    await Promise.all([older.isClosed(), newer.isClosed()]);
    expect(seen).toEqual([
      ['joined', 1],
      ['online', 1],
      ['left', 1],
      ['joined', 0],
      ['left', 0],
      ['offline', 0],
    ]);
    expect(it.hub.stats().connections).toBe(0);
  });

  it('may be listened to by one who pushes, adds, broadcasts and closes from within', async () => {
    const it = await house();
    const results: Promise<unknown>[] = [];
    it.hub.events$.subscribe((event) => {
      if (event.type === 'joined') {
        results.push(it.hub.push(event.id, 'welcome'), it.hub.broadcast('somebody came'));
        it.hub.join(event.id, 'all');
      }
      if (event.type === 'left') results.push(it.hub.broadcast('somebody left', { group: 'all' }));
      if (event.type === 'offline' && event.id === 'bob') results.push(it.hub.close());
    });
    const ann = await it.join('ann');
    expect(await ann.hears(2)).toEqual(['welcome\n', 'somebody came\n']);
    const bob = await it.join('bob');
    await bob.hears(2);
    it.hub.delete('bob');
    expect(await ann.isClosed()).toEqual({ code: 1001, reason: 'shutdown' });
    await Promise.all(results);
    expect(ann.heard.slice(2)).toEqual(['somebody came\n', 'somebody left\n']);
    expect(it.hub.state).toBe('closed');
  });

  it('do no harm when a listener throws or rejects', async () => {
    const it = await house();
    const warnings: unknown[] = [];
    const { emitWarning } = process;
    process.emitWarning = ((warning: unknown) => void warnings.push(warning)) as typeof emitWarning;
    try {
      const bad = it.hub.events$.subscribe(() => {
        throw new Error('bad listener');
      });
      bad.add(
        it.hub.events$.subscribe((): never => Promise.reject(new Error('bad async listener')) as never),
      );
      const client = await it.join('ann');
      await it.hub.push('ann', 'x');
      await client.hears(1);
      await until(() => warnings.length === 4);
      bad.unsubscribe();
      expect(String(warnings[0])).toMatch(/^A listener of a hub's events has failed: Error: bad listener/);
    } finally {
      process.emitWarning = emitWarning;
    }
    expect(it.events.map(({ type }) => type)).toEqual(['joined', 'online']);
  });

  it('end with the hub', async () => {
    const it = await house();
    let completed = 0;
    it.hub.events$.subscribe({ complete: () => (completed += 1) });
    await it.hub.close();
    expect(completed).toBe(1);
    it.hub.events$.subscribe({ complete: () => (completed += 1) });
    expect(completed).toBe(2);
  });

  it('say nothing of an id that is back within offlineGrace', async () => {
    const it = await house({ offlineGrace: 60_000 });
    const first = await it.join('ann');
    first.socket.terminate();
    await until(() => !it.hub.has('ann'));
    const second = await it.join('ann');
    expect(it.events.map(({ type }) => type)).toEqual(['joined', 'online', 'left', 'joined']);
    // One that closes knows that nobody will come back.
    second.socket.terminate();
    await until(() => !it.hub.has('ann'));
    await it.hub.close();
    expect(it.told('offline')).toMatchObject([{ id: 'ann' }]);
  });

  it('tell of an id that is not back within offlineGrace, once', async () => {
    const it = await house({ offlineGrace: 20 });
    const [ann, bob] = [await it.join('ann'), await it.join('bob')];
    ann.socket.terminate();
    bob.socket.terminate();
    await until(() => it.told('offline').length === 2);
    await it.join('ann');
    expect(it.told('online').map(({ id }) => id)).toEqual(['ann', 'bob', 'ann']);
    expect(
      it
        .told('offline')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['ann', 'bob']);
  });
});
