import { once } from 'node:events';
import type { Socket } from 'node:net';
import { loopback } from './loopback.js';
import { countingConnections, silent } from './peers.js';
import { ask, inTime } from './talk.js';
import { until } from './until.js';

const DAY = 86_400_000;

describe('a deadline', () => {
  const { pool, peer } = loopback();

  it('[V15] [V24] that passes is an error, and closes the connection: an answer may come yet', async () => {
    const remote = await peer(silent);
    const sockets = pool({ name: 'devices' });
    const socket = await sockets.dial('tcp', remote.address);
    socket.write('question\n');
    const asked = performance.now();
    expect(socket.setDeadline(Date.now() + 40)).toBe(socket);
    const [error] = await inTime(once(socket, 'error'));
    expect(performance.now() - asked).toBeGreaterThan(35);
    expect(error).toMatchObject({
      name: 'SocketDeadlineError',
      code: 'ETIMEDOUT',
      pool: 'devices',
      network: 'tcp',
      address: remote.address,
    });
    expect(error.message).toContain('deadline');
    expect([socket.destroyed, sockets.size]).toEqual([true, 0]);
    await socket.close();
  });

  it.each([
    ['a date', (ms: number) => new Date(ms)],
    ['milliseconds since 1970', (ms: number) => ms],
  ])('can be %s, and one in the past comes at once, but not before the call returns', async (_, of) => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.setDeadline(of(Date.now() - 1000));
    expect(socket.destroyed).toBe(false);
    await inTime(once(socket, 'error'));
  });

  it('is put off by the next, and taken off by null', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.setDeadline(Date.now() + 10).setDeadline(Date.now() + 30_000);
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.setDeadline(Date.now() + 10).setDeadline(null);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await ask(socket, 'a')).toBe('a');
    await socket.close();
    expect(sockets.stats().idle).toBe(1);
  });

  it('leaves no timer when the socket is closed before', async () => {
    const remote = await peer();
    const sockets = pool();
    for (const end of ['close', 'destroy', 'raw'] as const) {
      const socket = await sockets.dial('tcp', remote.address);
      // The harness finds it if it is still there.
      socket.setDeadline(Date.now() + 3_600_000);
      const raw = await socket[end]();
      if (end === 'raw') (raw as Socket).destroy();
    }
  });

  it.each([30 * DAY, 100_000 * DAY, Infinity])('may be far away: %s ms', async (ms) => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.on('error', () => undefined).setDeadline(Date.now() + ms);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ask(socket, 'a')).toBe('a');
    await socket.close();
  });

  it('that is none is refused, and changes nothing', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.on('error', () => undefined);
    for (const none of [NaN, new Date('no date')]) {
      expect(() => socket.setDeadline(none)).toThrow(/setDeadline|deadline/);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(socket.destroyed).toBe(false);
    await socket.close();
  });

  it('[V15] ends with the loan: it never reaches the next', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.setDeadline(Date.now() + 30);
    await socket.close();
    const next = await sockets.dial('tcp', remote.address);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([await ask(next, 'a'), next.reused]).toEqual(['1:a', true]);
    await next.close();
  });
});

describe('a timeout', () => {
  const { pool, peer, dialled } = loopback();

  it("is told by 'timeout' when nothing has happened for so long, as by any socket", async () => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    let heard = 0;
    expect(socket.setTimeout(30, () => (heard += 1))).toBe(socket);
    await inTime(once(socket, 'timeout'));
    expect([heard, socket.destroyed]).toEqual([1, false]);
    const listener = (): void => void (heard += 100);
    socket.setTimeout(20, listener);
    socket.setTimeout(0, listener);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([heard, socket.listenerCount('timeout')]).toEqual([1, 0]);
    await socket.close();
  });

  it('[V15] never reaches the next borrower of the pooled socket', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.setTimeout(20);
    await socket.close();
    const next = await sockets.dial('tcp', remote.address);
    let heard = 0;
    next.on('timeout', () => (heard += 1));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect([heard, next.reused]).toEqual([0, true]);
    await next.close();
  });

  it('[V15] never reaches the next borrower of the raw socket, nor the idle connection', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.setTimeout(20_000);
    await socket.close();
    const ours = dialled[0] as Socket;
    expect(ours.timeout ?? 0).toBe(0);
    const lease = await sockets.acquire('tcp', remote.address);
    expect([lease.conn.timeout ?? 0, lease.reused]).toEqual([0, true]);
    lease.conn.setTimeout(20_000);
    lease.release();
    await until(() => sockets.stats().idle === 1);
    expect(ours.timeout).toBe(0);
  });
});

describe('what a borrower sets on the connection', () => {
  const { pool, peer, dialled } = loopback();

  it.each([
    [{}, { noDelay: true, keepAlive: [true, 15_000] }],
    [
      { noDelay: false, keepAlive: false },
      { noDelay: false, keepAlive: [false, undefined] },
    ],
    [{ keepAlive: '30s' }, { noDelay: true, keepAlive: [true, 30_000] }],
    [{ keepAlive: true }, { noDelay: true, keepAlive: [true, 15_000] }],
  ] as const)('[V15] is as the pool has it for the next: %o', async (options, expected) => {
    const remote = await peer();
    const sockets = pool(options);
    const socket = await sockets.dial('tcp', remote.address);
    const ours = dialled[0] as Socket;
    const set: unknown[] = [];
    ours.setNoDelay = (on) => (set.push(['noDelay', on]), ours);
    ours.setKeepAlive = (...of) => (set.push(['keepAlive', ...of]), ours);
    socket.setNoDelay(false).setKeepAlive(true, 1000);
    expect(set.splice(0)).toEqual([
      ['noDelay', false],
      ['keepAlive', true, 1000],
    ]);
    await socket.close();
    expect(set).toEqual([
      ['noDelay', expected.noDelay],
      ['keepAlive', ...expected.keepAlive],
    ]);
  });
});
