import { once } from 'node:events';
import { PoolExhaustedError } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { loopback } from './loopback.js';
import { countingConnections, type Peer } from './peers.js';
import { ask, inTime, rejection } from './talk.js';
import { until } from './until.js';

const dialAll = <R>(count: number, dial: () => Promise<R>): Promise<R[]> =>
  Promise.all(Array.from({ length: count }, dial));

describe('maxIdle', () => {
  const { pool, peer } = loopback();

  it.each([
    [undefined, 2],
    [1, 1],
    [4, 4],
    [10, 5],
    [Infinity, 5],
  ])('[V5] of %s keeps %i of five connections to an address', async (maxIdle, kept) => {
    const { address, open } = await peer();
    const sockets = pool({ maxIdle });
    const all = await dialAll(5, () => sockets.dial('tcp', address));
    for (const socket of all) await socket.close();
    expect([sockets.idleCount('tcp', address), sockets.size]).toEqual([kept, kept]);
    expect(open).toBeDefined();
    expect(sockets.stats().totals.closed.surplus).toBe(5 - kept);
  });

  it('[V5] refuses the one that comes back, and counts for each address', async () => {
    const [one, other] = [await peer(countingConnections), await peer()];
    const sockets = pool({ maxIdle: 1 });
    const [first, second] = [await sockets.dial('tcp', one.address), await sockets.dial('tcp', one.address)];
    const others = await sockets.dial('tcp', other.address);
    await ask(first, 'a');
    await ask(second, 'b');
    await first.close();
    await second.close();
    await others.close();
    await until(() => one.open.length === 1);
    await using again = await sockets.dial('tcp', one.address);
    expect([await ask(again, 'c'), sockets.idleCount('tcp', other.address)]).toEqual(['1:c', 1]);
  });

  it('[V5] of 0 reuses nothing: every close really closes', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ maxIdle: 0 });
    for (const number of [1, 2, 3]) {
      const socket = await sockets.dial('tcp', remote.address);
      expect([await ask(socket, 'a'), socket.reused]).toEqual([`${number}:a`, false]);
      await socket.close();
      expect([sockets.size, sockets.idleCount('tcp', remote.address)]).toEqual([0, 0]);
      await until(() => remote.open.length === 0);
    }
  });
});

describe('max', () => {
  const { pool, peer, dialled } = loopback();

  it('[V6] [V24] is told at once when it is reached, over all addresses, until one comes back', async () => {
    const [one, other] = [await peer(), await peer()];
    const sockets = pool({ name: 'few', max: 2 });
    const [first, second] = [
      await sockets.dial('tcp', one.address),
      await sockets.dial('tcp', other.address),
    ];
    for (const { address } of [one, other]) {
      const error = await rejection(sockets.dial('tcp', address));
      expect(error).toBeInstanceOf(PoolExhaustedError);
      expect(error).toMatchObject({ code: 'ERR_POOL_EXHAUSTED', pool: 'few' });
    }
    await expect(sockets.dial('tcp', one.address, { fresh: true })).rejects.toThrow(PoolExhaustedError);
    await expect(sockets.acquire('tcp', one.address)).rejects.toThrow(PoolExhaustedError);
    expect(sockets.stats()).toMatchObject({ size: 2, leased: 2, waiting: 0, totals: { refused: 4 } });
    await first.close();
    await using again = await sockets.dial('tcp', one.address);
    expect(again.reused).toBe(true);
    await second.close();
  });

  it('[V6] lets an idle connection to another address make room, the one unused for the longest first', async () => {
    const peers = [await peer(), await peer(), await peer(), await peer()] as const;
    const sockets = pool({ max: 3 });
    for (const { address } of peers.slice(0, 3)) await (await sockets.dial('tcp', address)).close();
    await (await sockets.dial('tcp', peers[0].address)).close();
    await using last = await sockets.dial('tcp', peers[3].address);
    expect(last.reused).toBe(false);
    expect(peers.map(({ address }) => sockets.idleCount('tcp', address))).toEqual([1, 0, 1, 0]);
    await until(() => peers[1].open.length === 0);
    expect([peers[0].open.length, peers[2].open.length, sockets.size]).toEqual([1, 1, 3]);
  });

  it('[V6] makes room for a fresh dial among the idle ones of the same address', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ max: 1 });
    await (await sockets.dial('tcp', remote.address)).close();
    await using socket = await sockets.dial('tcp', remote.address, { fresh: true });
    expect([await ask(socket, 'a'), sockets.size]).toEqual(['2:a', 1]);
  });

  it('[V6] is never exceeded by dials side by side, those in flight counted', async () => {
    const peers = [await peer(), await peer(), await peer()];
    const sockets = pool({ max: 4 });
    const most = watchMost(peers);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => sockets.dial('tcp', (peers[i % 3] as Peer).address)),
    );
    const granted = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(granted).toHaveLength(4);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(PoolExhaustedError);
    }
    expect(most()).toBeLessThanOrEqual(4);
    expect(sockets.size).toBe(4);
  });

  it("[V6] with exhausted: 'wait' is waited for in line, within the deadline and the signal", async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ max: 1, exhausted: 'wait' });
    const most = watchMost([remote]);
    const holder = await sockets.dial('tcp', remote.address);
    const served: string[] = [];
    const stand = async (name: string): Promise<void> => {
      await using socket = await sockets.dial('tcp', remote.address);
      served.push(await ask(socket, name));
    };
    const abort = new AbortController();
    const late = rejection(sockets.dial('tcp', remote.address, { timeout: 30 }));
    const aborted = rejection(sockets.dial('tcp', remote.address, { signal: abort.signal }));
    const all = ['a', 'b', 'c'].map(stand);
    expect(await late).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', phase: 'wait' });
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await aborted).toBe(reason);
    expect(sockets.stats().waiting).toBe(3);
    await holder.close();
    await Promise.all(all);
    expect([served, most()]).toEqual([['1:a', '1:b', '1:c'], 1]);
  });

  it('[V6] lends whoever waits no connection that has died in the moment it came back', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ max: 1, exhausted: 'wait' });
    const holder = await sockets.dial('tcp', remote.address);
    const waiting = sockets.dial('tcp', remote.address);
    await until(() => sockets.stats().waiting === 1);
    const closed = holder.close();
    dialled[0]?.destroy();
    await using socket = await inTime(waiting);
    expect([await ask(socket, 'a'), socket.reused]).toEqual(['2:a', false]);
    await closed;
  });

  it('[V6] of 0 is none', async () => {
    const remote = await peer();
    const sockets = pool({ maxIdle: 40 });
    const all = await dialAll(40, () => sockets.dial('tcp', remote.address));
    expect([sockets.size, sockets.stats().max]).toEqual([40, 0]);
    for (const socket of all) await socket.close();
  });

  /** How many connections were open at once, as the servers saw it. */
  function watchMost(peers: readonly Peer[]): () => number {
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(
        most,
        peers.reduce((sum, { open }) => sum + open.length, 0),
      );
    }, 1);
    return () => {
      clearInterval(look);
      return most;
    };
  }
});

describe('idleTimeout', () => {
  const { pool, peer } = loopback();

  it('[V7] closes a connection that has been idle for so long, counted anew from each return', async () => {
    const remote = await peer();
    const clock = new FakeClock();
    const sockets = pool({ idleTimeout: '1m', clock });
    const first = await sockets.dial('tcp', remote.address);
    await clock.advance('5m');
    await first.close();
    await clock.advance('50s');
    await (await sockets.dial('tcp', remote.address)).close();
    await clock.advance('50s');
    expect([sockets.size, sockets.idleCount('tcp', remote.address)]).toEqual([1, 1]);
    expect(clock.refs).toBe(0);
    const gone = once(remote.accepted[0] as Peer['accepted'][number], 'close');
    await clock.advance('10s');
    await gone;
    expect([sockets.size, sockets.stats().totals.closed['idle-timeout']]).toEqual([0, 1]);
  });

  it.each([
    [undefined, 119, 1],
    [undefined, 120, 0],
    [0, 1e6, 1],
    [Infinity, 1e6, 1],
  ])('[V7] of %s: after %i s idle there is %i', async (idleTimeout, seconds, left) => {
    const remote = await peer();
    const clock = new FakeClock();
    const sockets = pool({ idleTimeout, clock, maxLifetime: 0 });
    await (await sockets.dial('tcp', remote.address)).close();
    await clock.advance(seconds * 1000);
    expect(sockets.size).toBe(left);
  });
});
