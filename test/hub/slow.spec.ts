import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { connect, createServer } from 'node:tls';
import { jest } from '@jest/globals';
import { ConnHub, type ConnHubOptions } from 'nestjs-conn-pool/hub';
import type { Member } from '../../lib/hub/member.js';
import { certificates } from '../tcp/certificates.js';
import type { Client } from './client.js';
import { Line } from './fleet.js';
import { houses } from './houses.js';
import type { House } from './house.js';
import { until } from './until.js';

const BIG = 'x'.repeat(60_000);

/** Its client reads a little, and then a little more: each time there is less to be seen that was not taken. */
async function isTakenInSteps(hub: ConnHub, client: Readable): Promise<void> {
  const { outlet } = hub.get('slow')[0] as Member<unknown>;
  await until(() => outlet.unwritten > 0);
  const seen = [outlet.unwritten];
  while (seen.at(-1)! > 0) {
    const before = seen.at(-1)!;
    client.resume();
    await until(() => outlet.unwritten < before);
    client.pause();
    seen.push(outlet.unwritten);
  }
  expect(seen.length).toBeGreaterThan(3);
  client.resume();
}

describe('a client that stops reading', () => {
  const house = houses();

  /** One whose socket takes nothing any more: what is pushed from now on waits. */
  async function stuck(
    options: ConnHubOptions,
  ): Promise<{ it: House; client: Client; before: Promise<unknown>[] }> {
    const it = await house({ writeTimeout: 0, heartbeatInterval: 0, ...options });
    const client = await it.join('slow');
    client.stopReading();
    const before: Promise<unknown>[] = [];
    const { _socket: raw } = it.sockets[0] as unknown as { _socket: { writableLength: number } };
    while (raw.writableLength === 0) {
      before.push(it.hub.push('slow', BIG));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { it, client, before };
  }

  it('[W5] delays nobody else, in the same hub or in the same broadcast', async () => {
    const { it } = await stuck({});
    const other = await it.join('quick');
    void it.hub.push('slow', 'waits');
    void it.hub.broadcast('for all');
    await expect(it.hub.push('quick', 'at once')).resolves.toMatchObject({ status: 'sent' });
    expect(await other.hears(2)).toEqual(['for all\n', 'at once\n']);
    expect(it.hub.stats()).toMatchObject({ queuedMessages: 2, queuedBytes: 14 });
    await expect(it.hub.health()).resolves.toMatchObject({ state: 'up', queuedMessages: 2, queuedBytes: 14 });
  });

  it('[W5] gets all that waited, in order, when it reads on', async () => {
    const { it, client, before } = await stuck({});
    const waiting = Array.from({ length: 500 }, (_, i) => it.hub.push('slow', `${i}`));
    client.readOn();
    await Promise.all([...before, ...waiting]);
    const heard = await client.hears(before.length + 500);
    expect(heard.slice(before.length).map(Number)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(it.hub.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0, totals: { dropped: 0 } });
  });

  it('[W3] [W5] is disconnected at maxQueueMessages, by default 1000, and everything is told', async () => {
    const { it, client, before } = await stuck({});
    const waiting = Array.from({ length: 1000 }, (_, i) => it.hub.push('slow', `${i}`));
    expect([it.hub.has('slow'), it.hub.stats().queuedMessages]).toEqual([true, 1000]);
    const over = it.hub.push('slow', 'one too many');
    expect(it.hub.has('slow')).toBe(false);
    const slow = { status: 'refused', connections: 0, reason: 'slow' };
    await expect(over).resolves.toEqual(slow);
    expect(await Promise.all(waiting)).toEqual(Array(1000).fill(slow));
    expect(it.told('left')).toMatchObject([{ id: 'slow', reason: 'slow', code: 4008 }]);
    expect(it.told('dropped')).toMatchObject([{ id: 'slow', reason: 'slow', messages: 1000, bytes: 3890 }]);
    // What it had been sent before is in its socket still, and then it is told why.
    client.readOn();
    expect(await client.isClosed()).toEqual({ code: 4008, reason: 'slow' });
    await Promise.all(before);
  });

  it('[W5] is disconnected at maxQueueBytes, before more is queued', async () => {
    const { it } = await stuck({ maxQueueBytes: 100 });
    void it.hub.push('slow', 'x'.repeat(49));
    void it.hub.push('slow', 'x'.repeat(49));
    expect(it.hub.stats()).toMatchObject({ queuedBytes: 100 });
    await expect(it.hub.push('slow', '')).resolves.toMatchObject({ reason: 'slow' });
    expect([it.hub.has('slow'), it.hub.stats().queuedBytes]).toEqual([false, 0]);
  });

  it('[W5] may have one message of any size waiting', async () => {
    const { it, client } = await stuck({ maxQueueBytes: 100 });
    const large = it.hub.push('slow', 'y'.repeat(1000));
    expect(it.hub.has('slow')).toBe(true);
    client.readOn();
    await expect(large).resolves.toMatchObject({ status: 'sent' });
  });

  it('[W5] is terminated when it does not even take the good-bye', async () => {
    const { it, client, before } = await stuck({ maxQueueMessages: 1 });
    void it.hub.push('slow', 'waits');
    void it.hub.push('slow', 'too many');
    await until(() => it.sockets[0]?.readyState === 3);
    const outcomes = await Promise.all(before);
    expect(outcomes.at(-1)).toEqual({ status: 'refused', connections: 0, reason: 'closed' });
    client.readOn();
    expect(await client.isClosed()).toMatchObject({ code: 1006 });
  });

  it("[W5] with 'drop-oldest' gets the newest, and every message that was dropped is told", async () => {
    const { it, client, before } = await stuck({ slowConsumer: 'drop-oldest', maxQueueMessages: 3 });
    const pushed = ['1', '2', '3', '4', '5'].map((text) => it.hub.push('slow', text));
    expect(it.hub.stats().queuedMessages).toBe(3);
    client.readOn();
    const statuses = (await Promise.all(pushed)).map(({ status, reason }) => reason ?? status);
    expect(statuses).toEqual(['slow', 'slow', 'sent', 'sent', 'sent']);
    expect((await client.hears(before.length + 3)).slice(before.length)).toEqual(['3\n', '4\n', '5\n']);
    expect(it.told('dropped')).toMatchObject(Array(2).fill({ reason: 'slow', messages: 1, bytes: 2 }));
    expect(it.hub.stats().totals).toMatchObject({ dropped: 2, pushed: { refused: 2 } });
  });

  it("[W5] with 'drop-oldest' makes room for a large one by as many as it takes", async () => {
    const { it, client, before } = await stuck({ slowConsumer: 'drop-oldest', maxQueueBytes: 100 });
    const pushed = ['1', '2', '3', 'x'.repeat(97)].map((text) => it.hub.push('slow', text));
    expect(it.hub.stats()).toMatchObject({ queuedMessages: 2, queuedBytes: 100 });
    client.readOn();
    await Promise.all(pushed);
    expect((await client.hears(before.length + 2)).at(-2)).toBe('3\n');
  });

  it("[W5] with 'drop-newest' gets the oldest", async () => {
    const { it, client, before } = await stuck({ slowConsumer: 'drop-newest', maxQueueMessages: 2 });
    const pushed = ['1', '2', '3', '4'].map((text) => it.hub.push('slow', text));
    client.readOn();
    const statuses = (await Promise.all(pushed)).map(({ status, reason }) => reason ?? status);
    expect(statuses).toEqual(['sent', 'sent', 'slow', 'slow']);
    expect((await client.hears(before.length + 2)).slice(before.length)).toEqual(['1\n', '2\n']);
    expect(it.hub.has('slow')).toBe(true);
  });

  it("[W5] with 'conflate' gets the newest of each key, else loses the oldest", async () => {
    const { it, client, before } = await stuck({ slowConsumer: 'conflate', maxQueueMessages: 3 });
    const push = (text: string, key?: string) => it.hub.push('slow', text, key === undefined ? {} : { key });
    const pushed = [push('a1', 'a'), push('b1', 'b'), push('none'), push('b2', 'b'), push('c1', 'c')];
    client.readOn();
    const statuses = (await Promise.all(pushed)).map(({ status, reason }) => reason ?? status);
    expect(statuses).toEqual(['slow', 'conflated', 'sent', 'sent', 'sent']);
    expect((await client.hears(before.length + 3)).slice(before.length)).toEqual(['none\n', 'b2\n', 'c1\n']);
  });

  it('[W5] does not lose what fits, with any policy', async () => {
    for (const slowConsumer of ['drop-oldest', 'drop-newest', 'conflate'] as const) {
      const it = await house({ slowConsumer, maxQueueMessages: 2 });
      const client = await it.join('quick');
      const pushed = Array.from({ length: 100 }, (_, i) => it.hub.push('quick', `${i}`, { key: 'k' }));
      expect((await Promise.all(pushed)).every(({ status }) => status === 'sent')).toBe(true);
      await client.hears(100);
    }
  });

  it('[W5] is disconnected when its socket has taken nothing for writeTimeout', async () => {
    const { it } = await stuck({ writeTimeout: 50 });
    const waiting = it.hub.push('slow', 'waits');
    await until(() => !it.hub.has('slow'));
    await expect(waiting).resolves.toEqual({ status: 'refused', connections: 0, reason: 'slow' });
    expect(it.told('left')).toMatchObject([{ reason: 'slow', code: 4008 }]);
  });

  it('[W5] is seen to take one large message bit by bit', async () => {
    const it = await house({ writeTimeout: 0, maxMessageBytes: Infinity });
    const client = await it.join('slow');
    client.stopReading();
    const pushed = it.hub.push('slow', 'x'.repeat(30_000_000));
    await isTakenInSteps(it.hub, client.raw);
    await expect(pushed).resolves.toMatchObject({ status: 'sent' });
  });

  it('[W5] [W11] is seen to take one large message bit by bit over TLS as well', async () => {
    const { ca, ...own } = certificates;
    const hub = new ConnHub({ writeTimeout: 0, maxMessageBytes: Infinity });
    const server = createServer(own, (socket) => void hub.add('slow', socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', ca }).on('error', () => undefined);
    await until(() => hub.has('slow'));
    client.on('data', () => undefined).pause();
    const pushed = hub.push('slow', 'x'.repeat(30_000_000));
    await isTakenInSteps(hub, client);
    await expect(pushed).resolves.toMatchObject({ status: 'sent' });
    client.destroy();
    await hub.close({ drain: 0 });
    await new Promise((resolve) => server.close(resolve));
  });

  it('[W5] is not disconnected by writeTimeout while it takes something, and is when it does no more', async () => {
    jest.useFakeTimers();
    try {
      const hub = new ConnHub({ writeTimeout: '1s', heartbeatInterval: 0 });
      const handle = { writeQueueSize: 100 };
      const line = Object.assign(new Line(), { _handle: handle });
      // It never says that it has taken all.
      line._write = () => undefined;
      hub.add('slow', line);
      const pushed = hub.push('slow', 'large');
      for (let i = 0; i < 50; i += 1) {
        await jest.advanceTimersByTimeAsync(200);
        handle.writeQueueSize -= 1;
      }
      expect(hub.has('slow')).toBe(true);
      await jest.advanceTimersByTimeAsync(1000);
      expect(hub.has('slow')).toBe(true);
      await jest.advanceTimersByTimeAsync(1000);
      expect(hub.has('slow')).toBe(false);
      await jest.advanceTimersByTimeAsync(5000);
      await expect(pushed).resolves.toMatchObject({ status: 'refused', reason: 'closed' });
      await hub.close();
    } finally {
      jest.useRealTimers();
    }
  });

  it('[W5] takes what a signal takes back out of its queue', async () => {
    const { it, client, before } = await stuck({});
    const abort = new AbortController();
    const gone = it.hub.push('slow', 'gone', { signal: abort.signal });
    const stays = it.hub.push('slow', 'stays');
    expect(it.hub.stats()).toMatchObject({ queuedMessages: 2, queuedBytes: 11 });
    abort.abort();
    await expect(gone).rejects.toBe(abort.signal.reason);
    expect(it.hub.stats()).toMatchObject({ queuedMessages: 1, queuedBytes: 6 });
    client.readOn();
    await stays;
    expect((await client.hears(before.length + 1)).at(-1)).toBe('stays\n');
  });

  it('[W7] holds close() up no longer than its drain, and what it did not take is told', async () => {
    const { it, client, before } = await stuck({});
    const waiting = it.hub.push('slow', 'waits');
    await it.hub.close({ drain: 50 });
    await expect(waiting).resolves.toEqual({ status: 'refused', connections: 0, reason: 'closed' });
    expect((await Promise.all(before)).at(-1)).toMatchObject({ status: 'refused', reason: 'closed' });
    client.readOn();
    await client.isClosed();
  });

  it('[W7] is given its queue by close(), if it takes it in time', async () => {
    const { it, client, before } = await stuck({});
    const waiting = it.hub.push('slow', 'waits');
    const closing = it.hub.close({ drain: '10s' });
    client.readOn();
    await closing;
    await expect(waiting).resolves.toMatchObject({ status: 'sent' });
    expect((await client.hears(before.length + 1)).at(-1)).toBe('waits\n');
    expect(await client.isClosed()).toMatchObject({ code: 1001 });
  });
});
