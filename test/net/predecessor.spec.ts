// The scenarios of vconnpool's own tests, each under its number there.

import net from 'node:net';
import { once } from 'node:events';
import type { SocketPool } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import type { Peer } from './peers.js';
import { ask, readAll, rejection, thrown } from './talk.js';
import { until } from './until.js';

describe("vconnpool's scenario", () => {
  const { pool, peer } = loopback();

  /** ConnNum and ConnNumIde. */
  const counts = (sockets: SocketPool, { address }: Peer): number[] => [
    sockets.size,
    sockets.idleCount('tcp', address),
  ];

  it('1: two dials, both closed, then all idle ones', async () => {
    const remote = await peer();
    const sockets = pool();
    const both = [await sockets.dial('tcp', remote.address), await sockets.dial('tcp', remote.address)];
    for (const socket of both) await socket.close();
    expect(counts(sockets, remote)).toEqual([2, 2]);
    await sockets.closeIdle();
    expect(counts(sockets, remote)).toEqual([0, 0]);
  });

  it('2: one dial, closed', async () => {
    const remote = await peer();
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    expect(counts(sockets, remote)).toEqual([1, 1]);
  });

  it('4: pooled, borrowed, taken raw; the raw one closed, then the wrapper', async () => {
    const remote = await peer();
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    const raw = socket.raw();
    expect(counts(sockets, remote)).toEqual([0, 0]);
    raw.destroy();
    await socket.close();
    expect(counts(sockets, remote)).toEqual([0, 0]);
  });

  it('5: dialled and added; got by its remote address and closed; closed again and again', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const address = `${socket.remoteAddress}:${socket.remotePort}`;
    sockets.add(socket);
    await until(() => sockets.stats().idle === 1);
    expect(counts(sockets, remote)).toEqual([1, 1]);
    const got = sockets.get({ network: 'tcp', address });
    got.destroy();
    expect(counts(sockets, remote)).toEqual([0, 0]);
    expect(await rejection(socket.close())).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    expect([await sockets.closeIdle(), await sockets.closeIdle()]).toEqual([0, 0]);
    expect(await rejection(socket.close())).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    expect(counts(sockets, remote)).toEqual([0, 0]);
  });

  it('6: borrowed again, discarded and closed', async () => {
    const remote = await peer();
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    socket.discard();
    await socket.close();
    expect(counts(sockets, remote)).toEqual([0, 0]);
  });

  it('7: borrowed and closed', async () => {
    const remote = await peer();
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    expect(counts(sockets, remote)).toEqual([1, 0]);
    await socket.close();
    expect(counts(sockets, remote)).toEqual([1, 1]);
  });

  it('8: with one idle, a priority dial makes a second', async () => {
    const remote = await peer();
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    await (await sockets.dial('tcp', remote.address, { fresh: true })).close();
    expect(counts(sockets, remote)).toEqual([2, 2]);
    await sockets.closeIdle();
    expect(counts(sockets, remote)).toEqual([0, 0]);
  });

  it('pools_1: a closed connection is refused', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = net.connect(remote.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    const address = { network: 'tcp', address: remote.address } as const;
    expect(thrown(() => sockets.put(socket, address))).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    expect(counts(sockets, remote)).toEqual([0, 0]);
  });

  it('pools_2: a connection that is closed while it is idle vanishes', async () => {
    const remote = await peer();
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    (await remote.connection(1)).end();
    await until(() => sockets.size === 0);
    expect(counts(sockets, remote)).toEqual([0, 0]);
  });

  it("vconn: the peer's close is told, as the end of what is read", async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    await ask(socket, 'a');
    remote.accepted[0]?.end();
    expect(await readAll(socket)).toBe('');
  });

  it('vconn: what comes while nobody reads is thrown away where that is wished', async () => {
    const remote = await peer();
    const sockets = pool({ idleData: 'discard' });
    await (await sockets.dial('tcp', remote.address)).close();
    (await remote.connection(1)).write('noise\n');
    await until(() => sockets.stats().idle === 1);
    await using socket = await sockets.dial('tcp', remote.address);
    expect(socket.reused).toBe(true);
  });

  it('of the first version: three dials with reuse leave two idle', async () => {
    const remote = await peer();
    const sockets = pool();
    const first = await sockets.dial('tcp', remote.address);
    await ask(first, 'a');
    await first.close();
    const [second, third] = [
      await sockets.dial('tcp', remote.address),
      await sockets.dial('tcp', remote.address),
    ];
    for (const socket of [second, third]) {
      await ask(socket, 'b');
      await socket.close();
    }
    expect(counts(sockets, remote)).toEqual([2, 2]);
  });

  it('of the first version: a server that closes after its answer; the next dial gets an answer all the same', async () => {
    const remote = await peer((socket) => void socket.on('data', (chunk) => socket.end(chunk)));
    const sockets = pool({ replay: true });
    for (let i = 0; i < 5; i += 1) {
      await using socket = await sockets.dial('tcp', remote.address);
      expect(await ask(socket, `${i}`)).toBe(`${i}`);
    }
  });
});
