import { filter } from 'rxjs';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { Test } from '@nestjs/testing';
import { ConnPoolModule, getPoolToken, PoolRegistry } from 'nestjs-conn-pool';
import { PoolClosedError, type PoolEvent } from 'nestjs-conn-pool/core';
import { SocketPool } from 'nestjs-conn-pool/net';
import { ConnPoolHealthIndicator, ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { loopback } from './loopback.js';
import { countingConnections, type Peer, refusing, silent } from './peers.js';
import { ask, inTime, rejection } from './talk.js';
import { until } from './until.js';

async function fill(sockets: SocketPool, { address }: Peer, count: number): Promise<void> {
  const all = await Promise.all(Array.from({ length: count }, () => sockets.dial('tcp', address)));
  for (const socket of all) await socket.close();
}

describe('closeIdle', () => {
  const { pool, peer } = loopback();

  it('[V21] closes the idle ones of all addresses, says how many, and leaves the lent ones alone', async () => {
    const [one, other] = [await peer(countingConnections), await peer()];
    const sockets = pool();
    const held = await sockets.dial('tcp', one.address);
    await fill(sockets, one, 2);
    await fill(sockets, other, 1);
    expect(await sockets.closeIdle()).toBe(3);
    expect(sockets.stats()).toMatchObject({
      size: 1,
      leased: 1,
      idle: 0,
      totals: { closed: { evicted: 3 } },
    });
    await until(() => one.open.length === 1 && other.open.length === 0);
    expect(await ask(held, 'a')).toBe('1:a');
    await held.close();
    expect(sockets.stats().idle).toBe(1);
  });

  it('[V21] leaves the pool fully usable, time and again', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    for (let round = 1; round <= 3; round += 1) {
      for (const reused of [false, true, true]) {
        await using socket = await sockets.dial('tcp', remote.address);
        expect([await ask(socket, 'a'), socket.reused]).toEqual([`${round}:a`, reused]);
      }
      expect(await sockets.closeIdle()).toBe(1);
      expect(await sockets.closeIdle()).toBe(0);
      expect([sockets.size, sockets.idleCount('tcp', remote.address)]).toEqual([0, 0]);
    }
  });
});

describe('close of the pool', () => {
  const { pool, peer } = loopback();

  it('[V22] closes the idle ones, refuses everything, and can be asked again', async () => {
    const remote = await peer();
    const sockets = pool({ name: 'devices' });
    await fill(sockets, remote, 2);
    const report = await sockets.close();
    expect(report).toMatchObject({ closed: 2, forced: 0, failed: 0 });
    expect(await sockets.close()).toBe(report);
    expect([sockets.state, sockets.size]).toEqual(['closed', 0]);
    for (const call of [
      sockets.dial('tcp', remote.address),
      sockets.acquire('tcp', remote.address),
      sockets.heartbeat(),
      sockets.start(),
    ]) {
      expect(await rejection(call as Promise<unknown>)).toMatchObject({
        code: 'ERR_POOL_CLOSED',
        pool: 'devices',
      });
    }
    await until(() => remote.open.length === 0);
    expect(remote.accepted).toHaveLength(2);
  });

  it('[V22] waits for what is lent, which is then really closed: the peer sees its end', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const lease = await sockets.acquire('tcp', remote.address);
    const closing = sockets.close();
    expect(sockets.state).toBe('draining');
    expect([await ask(socket, 'a'), await ask(lease.conn, 'b')]).toEqual(['1:a', '2:b']);
    await socket.close();
    lease.release();
    expect(await closing).toMatchObject({ closed: 2, forced: 0 });
    await until(() => remote.open.length === 0);
  });

  it('[V22] takes back by force what is not given back by the end of drain, and tells its user', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const lease = await sockets.acquire('tcp', remote.address);
    const told = once(socket, 'error');
    const closedRaw = once(lease.conn, 'close');
    const { signal } = lease;
    expect(await sockets.close({ drain: 30 })).toMatchObject({ closed: 2, forced: 2 });
    expect((await told)[0]).toBeInstanceOf(PoolClosedError);
    await closedRaw;
    expect([signal.aborted, socket.destroyed]).toEqual([true, true]);
    await socket.close();
    lease.release();
    await until(() => remote.open.length === 0);
  });

  it('[V22] by force throws nothing at a process whose users listen to no errors', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    let closed = false;
    socket.on('close', () => (closed = true));
    await sockets.close({ drain: 0 });
    await inTime(until(() => closed));
    expect([socket.destroyed, socket.errored]).toEqual([true, null]);
  });

  it('[V22] tells those in line and those whose dial is under way', async () => {
    const remote = await peer();
    const sockets = pool({ max: 1, exhausted: 'wait' });
    const held = await sockets.dial('tcp', remote.address);
    const waiting = rejection(sockets.dial('tcp', remote.address));
    const closing = sockets.close();
    expect(await waiting).toBeInstanceOf(PoolClosedError);
    await held.close();
    await closing;
    const hanging = pool({ host: () => new Promise<string>(() => undefined) });
    const dialling = rejection(hanging.dial('tcp', remote.address));
    await hanging.close({ drain: 0 });
    expect(await dialling).toBeInstanceOf(PoolClosedError);
  });

  it('[V22] is what await using does', async () => {
    const remote = await peer();
    let sockets: SocketPool;
    {
      await using disposing = pool();
      sockets = disposing;
      await fill(sockets, remote, 1);
    }
    expect(sockets.state).toBe('closed');
  });
});

describe('upkeep', () => {
  const { pool, peer } = loopback();

  it('replaces a connection older than maxLifetime, and one that was lent maxUses times', async () => {
    const remote = await peer(countingConnections);
    const clock = new FakeClock();
    const sockets = pool({ maxLifetime: '10m', lifetimeJitter: 0, idleTimeout: 0, maxUses: 3, clock });
    const numbers: string[] = [];
    for (let use = 1; use <= 5; use += 1) {
      await using socket = await sockets.dial('tcp', remote.address);
      numbers.push((await ask(socket, 'x')).charAt(0));
    }
    expect(numbers.join('')).toBe('11122');
    await clock.advance('10m');
    expect(sockets.size).toBe(0);
    expect(sockets.stats().totals.closed).toMatchObject({ 'max-uses': 1, 'max-lifetime': 1 });
  });

  it('judges idle connections by their state when there is no heartbeat of the user, and dials none', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    expect(await sockets.heartbeat()).toMatchObject({ checked: 0 });
    await fill(sockets, remote, 2);
    expect(await sockets.heartbeat()).toMatchObject({ checked: 2, healthy: 2, failed: 0 });
    expect(await sockets.heartbeat({ dialIfNone: true })).toMatchObject({ checked: 2 });
    remote.accepted[0]?.destroy();
    await until(() => sockets.size === 1);
    expect(await sockets.heartbeat()).toMatchObject({ checked: 1, healthy: 1 });
    expect(remote.accepted).toHaveLength(2);
  });

  it("asks the user's heartbeat after each dial, in the background, and before a hand-out that is due", async () => {
    const remote = await peer(countingConnections);
    const clock = new FakeClock();
    let healthy = true;
    const asked: string[] = [];
    const sockets = pool({
      clock,
      heartbeatInterval: '1m',
      heartbeat: async (socket, { pool, signal }) => {
        asked.push(pool);
        expect(signal.aborted).toBe(false);
        if (!healthy) throw new Error('sick');
        expect(await ask(socket, 'ping')).toMatch(/:ping$/);
      },
      name: 'devices',
    });
    const dial = async (): Promise<string> => {
      const dialling = sockets.dial('tcp', remote.address);
      const socket = await dialling;
      const answer = await ask(socket, 'x');
      await socket.close();
      return answer;
    };
    expect([await dial(), asked.length]).toEqual(['1:x', 1]);
    expect([await dial(), asked.length]).toEqual(['1:x', 1]);
    await sockets.start();
    await clock.advance('1m');
    await until(() => asked.length === 2 && sockets.stats().idle === 1);
    expect([await dial(), asked.length]).toEqual(['1:x', 2]);
    expect(await sockets.heartbeat()).toMatchObject({ checked: 1, healthy: 1 });
    healthy = false;
    expect(await sockets.heartbeat()).toMatchObject({ checked: 1, healthy: 0, failed: 1 });
    expect([sockets.size, new Set(asked)]).toEqual([0, new Set(['devices'])]);
    expect(await rejection(sockets.dial('tcp', remote.address))).toMatchObject({ code: 'ERR_DIAL' });
    healthy = true;
  });

  it.each<[string, (socket: Duplex) => unknown, RegExp]>([
    ['has ended it', (socket) => void socket.end(), /writing side was ended/],
    [
      'waits for an answer still',
      (socket) => void socket.once('data', () => undefined).write('ping\n'),
      /answer was still awaited/,
    ],
    [
      'has left an answer unread',
      async (socket) => {
        socket.write('ping\n');
        await once(socket, 'readable');
      },
      /unread data/,
    ],
  ])('takes a connection whose heartbeat %s for failed, and says why', async (_, heartbeat, why) => {
    const remote = await peer(countingConnections);
    const sockets = pool({ heartbeat });
    const error = await inTime(rejection(sockets.dial('tcp', remote.address)));
    expect(error).toMatchObject({ code: 'ERR_DIAL' });
    expect(error.message).toMatch(why);
    await until(() => sockets.size === 0);
  });

  it('finds a dead one by a heartbeat that the peer does not answer in time', async () => {
    const remote = await peer(silent);
    let probes = 0;
    const sockets = pool({
      heartbeatTimeout: 30,
      heartbeat: (socket, { signal }) => {
        probes += 1;
        if (probes === 1) return undefined;
        socket.write('ping\n');
        return once(socket, 'data', { signal });
      },
    });
    await fill(sockets, remote, 1);
    expect(await inTime(sockets.heartbeat())).toMatchObject({ checked: 1, failed: 1 });
    await until(() => sockets.size === 0 && remote.open.length === 0);
  });

  it('reports a pooled socket that was never closed as a leak', async () => {
    const remote = await peer();
    const clock = new FakeClock();
    const sockets = pool({ leakThreshold: '1m', clock });
    const leaks: PoolEvent[] = [];
    sockets.events$.subscribe((event) => event.type === 'leak' && leaks.push(event));
    const socket = await sockets.dial('tcp', remote.address);
    await clock.advance('2m');
    expect(leaks).toMatchObject([{ type: 'leak', heldMs: 60_000 }]);
    await socket.close();
  });
});

describe('what the pool tells', () => {
  const { pool, peer } = loopback();

  it('[V20] is events that name the address, and counts that add up', async () => {
    const remote = await peer();
    const sockets = pool({ name: 'devices' });
    const told: string[] = [];
    const left = ['waited', 'acquired', 'released', 'backoff-entered'];
    sockets.events$
      .pipe(filter(({ type }) => !left.includes(type)))
      .subscribe(({ type, key }) => told.push(key === undefined ? type : `${type} ${String(key)}`));
    await sockets.start();
    await fill(sockets, remote, 1);
    remote.accepted[0]?.destroy();
    await until(() => sockets.size === 0);
    const address = await refusing();
    await rejection(sockets.dial('tcp', address));
    await sockets.close();
    expect(told.splice(2, 2).sort()).toEqual([`close tcp ${remote.address}`, `lost tcp ${remote.address}`]);
    expect(told).toEqual([
      'started',
      `dialed tcp ${remote.address}`,
      `dial-failed tcp ${address}`,
      'state',
      'closed',
    ]);
    const { totals, ...counts } = sockets.stats();
    expect(counts).toMatchObject({ name: 'devices', state: 'closed', max: 0, min: 0, maxIdle: 2, size: 0 });
    expect(totals).toMatchObject({ acquired: 1, dialed: 1, dialFailures: 1, lost: 1, closed: { lost: 1 } });
    expect(Object.isFrozen(sockets.stats())).toBe(true);
  });

  it('is one row for each connection with its address', async () => {
    const remote = await peer();
    const sockets = pool();
    const held = await sockets.dial('tcp', remote.address);
    await fill(sockets, remote, 1);
    expect(sockets.inspect()).toMatchObject([
      { network: 'tcp', address: remote.address, state: 'leased', uses: 1 },
      { network: 'tcp', address: remote.address, state: 'idle', uses: 1 },
    ]);
    expect(Object.keys(sockets.inspect()[0] as object)).not.toContain('key');
    await held.close();
  });
});

describe('in an application', () => {
  const { peer } = loopback();

  async function application() {
    const module = await Test.createTestingModule({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'sockets', pool: ({ name }) => new SocketPool({ name }) }),
        ConnPoolHealthModule,
      ],
    }).compile();
    module.useLogger(false);
    const app = module.createNestApplication();
    await app.init();
    const sockets = app.get<SocketPool>(getPoolToken('sockets'));
    return { app, sockets, health: app.get(ConnPoolHealthIndicator) };
  }

  it('is registered, injected, and closed like any pool', async () => {
    const remote = await peer();
    const { app, sockets } = await application();
    expect(app.get(PoolRegistry).get('sockets')).toBe(sockets);
    expect(sockets.name).toBe('sockets');
    await fill(sockets, remote, 1);
    await app.close();
    expect([sockets.state, sockets.size]).toEqual(['closed', 0]);
    await until(() => remote.open.length === 0);
  });

  it('is healthy at rest, in use and while it dials, and not when it is closed', async () => {
    const remote = await peer();
    const { app, sockets, health } = await application();
    const status = async () => (await health.pingCheck('sockets'))['sockets']?.status;
    expect(await status()).toBe('up');
    const dialling = sockets.dial('tcp', remote.address);
    expect(await status()).toBe('up');
    const socket = await dialling;
    expect(await status()).toBe('up');
    await socket.close();
    expect(await status()).toBe('up');
    await sockets.close();
    const closed = await health.pingCheck('sockets').catch((error: unknown) => error);
    expect(JSON.stringify(closed)).not.toContain('"up"');
    await app.close();
  });
});
