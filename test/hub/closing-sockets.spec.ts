import { type EventEmitter, once } from 'node:events';
import { ConnHub, type ConnHubOptions, type HubOrigin, memoryBackplane } from 'nestjs-conn-pool/hub';
import { Line } from './fleet.js';
import { houses } from './houses.js';
import type { House } from './house.js';
import { until } from './until.js';

const REFUSED = { status: 'refused', connections: 0, reason: 'closed' };

describe('a connection that the application has begun to close', () => {
  const house = houses();

  /** Its client has not answered yet, and will not before it reads on. */
  async function closing(
    options: ConnHubOptions & HubOrigin = {},
  ): Promise<{ it: House; end: () => Promise<unknown>; writes: unknown[] }> {
    const it = await house({ heartbeatInterval: 0, ...options });
    const client = await it.join('ann');
    client.stopReading();
    const [socket] = it.sockets;
    socket!.close(4000, 'bye');
    const { _socket: raw } = socket as unknown as { _socket: { write(...of: unknown[]): boolean } };
    const writes: unknown[] = [];
    const write = raw.write.bind(raw);
    raw.write = (...of) => (writes.push(of[0]), write(...of));
    return { it, writes, end: () => (client.readOn(), client.isClosed()) };
  }

  it('[W3] is not written to any more, and a push says so', async () => {
    const { it, writes, end } = await closing();
    await expect(it.hub.push('ann', 'lost')).resolves.toEqual(REFUSED);
    expect([it.hub.has('ann'), (await it.hub.presence('ann')).online]).toEqual([false, false]);
    expect(it.told('left')).toMatchObject([{ id: 'ann', reason: 'closed', code: 1006 }]);
    expect(it.told('dropped')).toMatchObject([{ reason: 'closed', messages: 1 }]);
    await expect(it.hub.push('ann', 'x')).resolves.toEqual({ status: 'offline', connections: 0 });
    expect(await end()).toEqual({ code: 4000, reason: 'bye' });
    expect(writes).toEqual([]);
  });

  it.each([
    ['with an acknowledgement', { ack: true }, { ...REFUSED, acked: false }],
    ['with a key', { key: 'k' }, REFUSED],
  ])('[W3] is not written to, %s', async (_what, options, expected) => {
    const { it, writes } = await closing();
    await expect(it.hub.push('ann', 'lost', options)).resolves.toEqual(expected);
    expect(writes).toEqual([]);
  });

  it('[W3] is not written to when more is pushed in a turn than may wait', async () => {
    const { it, writes } = await closing({ maxQueueMessages: 1 });
    const pushed = ['1', '2', '3'].map((text) => it.hub.push('ann', text));
    expect(await Promise.all(pushed.slice(0, 2))).toEqual([REFUSED, REFUSED]);
    await expect(pushed[2]).resolves.toMatchObject({ connections: 0 });
    expect(writes).toEqual([]);
  });

  it('is none of those that a broadcast reaches', async () => {
    const { it, writes } = await closing();
    const bob = await it.join('bob');
    await expect(it.hub.broadcast('all')).resolves.toEqual({ connections: 1, refused: 1, forwarded: false });
    expect([await bob.hears(1), writes]).toEqual([['all\n'], []]);
  });

  it('is not what another instance is told of as forwarded', async () => {
    const backplane = memoryBackplane();
    const { it, writes } = await closing({ node: 'a', backplane });
    const far = new ConnHub({ node: 'b', backplane });
    await Promise.all([it.hub.start(), far.start()]);
    await expect(far.push('ann', 'lost')).resolves.toEqual(REFUSED);
    await expect(far.presence('ann')).resolves.toMatchObject({ online: false, complete: true });
    expect(writes).toEqual([]);
    await far.close();
  });

  it('leaves what is pushed in the box', async () => {
    const { it, writes } = await closing({ box: {} });
    await expect(it.hub.push('ann', 'kept')).resolves.toEqual({ status: 'queued', connections: 0 });
    expect(writes).toEqual([]);
  });

  it('[W6] is gone after a while, though nobody pushes to it', async () => {
    const { it } = await closing({ writeTimeout: 20 });
    await until(() => !it.hub.has('ann'));
    expect(it.told('offline')).toMatchObject([{ id: 'ann' }]);
  });

  it('[W6] is told to have left with what its client said, when that is known', async () => {
    const it = await house({ maxQueueMessages: 1 });
    const client = await it.join('ann');
    const { _receiver: receiver } = it.sockets[0] as unknown as { _receiver: EventEmitter };
    // Before the socket says that it has closed.
    const heard = once(receiver, 'conclude', { signal: AbortSignal.timeout(10_000) }).then(() => {
      return [it.hub.push('ann', '1'), it.hub.push('ann', '2'), it.told('left')] as const;
    });
    client.socket.close(4001);
    const [, , left] = await heard;
    expect(left).toMatchObject([{ id: 'ann', reason: 'closed', code: 4001 }]);
  });

  it.each([{ onDuplicate: 'reject' } as const, { onDuplicate: 'multi', maxPerId: 1 } as const])(
    '[W2] does not keep its client from coming back: %j',
    async (options) => {
      const { it } = await closing(options);
      const back = await it.join('ann');
      expect([back.closed, it.hub.get('ann').map(({ conn }) => conn)]).toEqual([undefined, [it.sockets[1]]]);
      await expect(it.hub.push('ann', 'welcome')).resolves.toEqual({ status: 'sent', connections: 1 });
      expect(it.events.map(({ type }) => type)).toEqual(['joined', 'online', 'left', 'joined']);
    },
  );

  it('[W11] is a stream: the same', async () => {
    const hub = new ConnHub({ heartbeatInterval: 0 });
    const left: string[] = [];
    hub.events$.subscribe((event) => event.type === 'left' && left.push(event.reason));
    const line = new Line();
    hub.add('ann', line);
    // What ends is not finished as long as something is being written.
    line.cork();
    line.write('theirs\n');
    line.end();
    const pushed = hub.push('ann', 'lost');
    await expect(pushed).resolves.toEqual(REFUSED);
    await hub.close({ drain: 0 });
    expect([line.heard, left]).toEqual([['theirs'], ['closed']]);
  });
});
