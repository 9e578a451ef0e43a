import { ConnHub, HubClosedError } from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { houses } from './houses.js';
import { until } from './until.js';

describe('close()', () => {
  const house = houses();

  it('[W7] says 1001 to everybody, after what was pushed before', async () => {
    const it = await house();
    const clients = await Promise.all(Array.from({ length: 300 }, (_, i) => it.join(`${i}`)));
    const pushed = clients.map((_, i) => it.hub.push(`${i}`, 'last words'));
    const closing = it.hub.close();
    expect(it.hub.state).toBe('draining');
    await closing;
    for (const client of clients) {
      expect(await client.isClosed()).toEqual({ code: 1001, reason: 'shutdown' });
      expect(client.heard).toEqual(['last words\n']);
    }
    expect((await Promise.all(pushed)).every(({ status }) => status === 'sent')).toBe(true);
    expect(it.hub.state).toBe('closed');
    expect(it.hub.stats()).toMatchObject({ ids: 0, connections: 0, totals: { left: { shutdown: 300 } } });
    await expect(it.hub.health()).resolves.toMatchObject({ state: 'down', connections: 0 });
  });

  it('[W7] may be called again, and from anywhere: it is done once', async () => {
    const it = await house();
    await it.join('ann');
    const closing = it.hub.close();
    expect(it.hub.close({ drain: 1 })).toBe(closing);
    await closing;
    expect(it.hub.close()).toBe(closing);
    await it.hub[Symbol.asyncDispose]();
    expect(it.told('left')).toHaveLength(1);
  });

  it('[W7] lets nobody in any more', async () => {
    const it = await house({ name: 'chat' });
    await it.join('ann');
    const { conn } = it.hub.get('ann')[0]!;
    const closing = it.hub.close();
    expect(() => it.hub.add('bob', conn)).toThrow(HubClosedError);
    expect(() => it.hub.add('bob', conn)).toThrow('Hub "chat" is closed');
    await closing;
  });

  it('[W7] terminates at the end of its drain those that do not close', async () => {
    const it = await house();
    const client = await it.join('ann');
    client.stopReading();
    await it.hub.close({ drain: 30 });
    await until(() => it.sockets[0]?.readyState === 3);
  });

  it('refuses a drain that is none', async () => {
    const hub = new ConnHub();
    await expect(hub.close({ drain: 'soon' })).rejects.toBeInstanceOf(InvalidOptionsError);
    expect(hub.state).toBe('open');
    await hub.close({ drain: 0 });
  });

  it('leaves no timer behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const it = await house({ offlineGrace: '1h', heartbeatInterval: '1h' });
    const [ann] = [await it.join('ann'), await it.join('bob')];
    ann.socket.terminate();
    await until(() => !it.hub.has('ann'));
    await it.hub.close();
    const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    expect(after).toBeLessThanOrEqual(before);
  });
});
