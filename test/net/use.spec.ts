import { loopback } from './loopback.js';
import { countingConnections } from './peers.js';
import { ask, rejection } from './talk.js';
import { until } from './until.js';

describe('use', () => {
  const { pool, peer } = loopback();

  it('[X4] gives what the work gives, and the connection back', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    for (const line of ['a', 'b']) {
      expect(await sockets.use('tcp', remote.address, (socket) => ask(socket, line))).toBe(`1:${line}`);
    }
    expect(sockets.stats()).toMatchObject({ idle: 1, leased: 0, totals: { dialed: 1 } });
  });

  it('[X4] closes the connection when the work fails, also at once, and tells why it failed', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const failure = new Error('mine');
    const works = [
      () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ];
    for (const work of works) expect(await rejection(sockets.use('tcp', remote.address, work))).toBe(failure);
    await until(() => remote.open.length === 0);
    expect(sockets.size).toBe(0);
  });

  it('[X4] does nothing more with a socket that the work has closed, destroyed or taken', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    await sockets.use('tcp', remote.address, (socket) => socket.close());
    expect(sockets.stats().idle).toBe(1);
    await sockets.use('tcp', remote.address, (socket) => void socket.destroy());
    const raw = await sockets.use('tcp', remote.address, (socket) => socket.raw());
    expect([raw.destroyed, sockets.size]).toEqual([false, 0]);
    raw.destroy();
  });

  it('[X4] refuses what is no function, before it dials', async () => {
    const sockets = pool({ name: 'devices' });
    const error = await rejection(sockets.use('tcp', '127.0.0.1:1', 'work' as never));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', pool: 'devices' });
    expect(String(error)).toMatch(/work/);
    expect(sockets.stats().totals.dialFailures).toBe(0);
  });

  it('[X4] dials with the options it is given', async () => {
    const sockets = pool();
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    expect(await rejection(sockets.use('tcp', '127.0.0.1:1', () => 1, { signal }))).toBe(reason);
  });
});
