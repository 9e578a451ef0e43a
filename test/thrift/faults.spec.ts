import { jest } from '@jest/globals';
import { ConnPool, type ConnPoolOptions, DialError, type PoolEvent } from 'nestjs-conn-pool/core';
import { ThriftConnectionError, thriftConnector } from 'nestjs-conn-pool/thrift';
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { rejection } from './by-hand.js';
import { startDepotProcess } from './depot-process.js';
import * as Depot from './gen/Depot.js';

const host = '127.0.0.1';

// Processes are started in every test.
jest.setTimeout(30_000);

function poolTo(port: number, options: ConnPoolOptions = {}): ConnPool<Depot.Client> {
  const dialBackoff = { initial: 5, max: 50 };
  return new ConnPool(thriftConnector({ service: Depot, host, port }), {
    name: 'depot',
    dialBackoff,
    ...options,
  });
}

function event(pool: ConnPool<Depot.Client>, type: PoolEvent['type']): Promise<PoolEvent> {
  return firstValueFrom(pool.events$.pipe(filter((each) => each.type === type)));
}

describe('a server that is killed', () => {
  it('fails every call in flight, empties the pool, and is found again once it is back', async () => {
    await using server = await startDepotProcess();
    await using pool = poolTo(server.port);
    const arrived = server.hanging();
    await pool.warmUp(3);
    const call = rejection(pool.use((client) => client.hang()));
    await arrived;
    expect(pool.stats()).toMatchObject({ leased: 1, idle: 2 });

    await server.signal('SIGKILL');
    const error = await call;
    expect(error).toBeInstanceOf(ThriftConnectionError);
    expect(error.message).toMatch(
      new RegExp(
        `^Thrift connection to ${host}:${server.port} was (closed by the server|lost: read ECONNRESET)\\.$`,
      ),
    );
    const refused = await rejection(pool.use((client) => client.echo('hello')));
    expect(refused).toBeInstanceOf(DialError);
    expect(refused.cause).toMatchObject({ code: 'ERR_THRIFT_CONNECTION', cause: { code: 'ECONNREFUSED' } });
    expect(pool.stats()).toMatchObject({ idle: 0, leased: 0, totals: { lost: 3 } });

    await using again = await startDepotProcess(server.port);
    expect(again.port).toBe(server.port);
    expect(await pool.use((client) => client.echo('hello'))).toBe('hello');
  });

  it('and restarted under load leaves no call without an outcome', async () => {
    await using server = await startDepotProcess();
    await using pool = poolTo(server.port, { max: 4, acquireTimeout: '20s', dialAttempts: 1000 });
    const outcomes = { answered: 0, failed: 0 };
    const stop = new AbortController();
    const lost = event(pool, 'lost');
    const load = Array.from({ length: 12 }, async (_, worker) => {
      for (let call = 0; !stop.signal.aborted; call += 1) {
        const text = `${worker}-${call}`;
        const answer = await pool.use((client) => client.echo(text)).catch((error: unknown) => error);
        if (answer === text) outcomes.answered += 1;
        else {
          expect(answer).toBeInstanceOf(ThriftConnectionError);
          outcomes.failed += 1;
        }
      }
    });
    await event(pool, 'dialed');
    await server.signal('SIGKILL');
    await lost;
    const recovered = event(pool, 'recovered');
    await event(pool, 'dial-failed');
    await using again = await startDepotProcess(server.port);
    expect(again.port).toBe(server.port);
    await recovered;
    stop.abort();
    await Promise.all(load);
    expect(outcomes.answered).toBeGreaterThan(0);
    // At most what was in flight when it died: everybody else waited for the new connections.
    expect(outcomes.failed).toBeLessThanOrEqual(4);
    expect(await pool.use((client) => client.echo('after'))).toBe('after');
    expect(pool.stats()).toMatchObject({ leased: 0, waiting: 0 });
  });
});

describe('a server that is stopped', () => {
  it('fails heartbeats, keeps nobody from ending a call, and is found again once it goes on', async () => {
    await using server = await startDepotProcess();
    await using pool = poolTo(server.port, { heartbeatTimeout: 1500 });
    const arrived = server.hanging();
    const lease = await pool.acquire();
    await pool.warmUp(2);
    const call = rejection(lease.conn.hang());
    await arrived;

    await server.signal('SIGSTOP');
    expect(await pool.heartbeat()).toMatchObject({
      checked: 1,
      failed: 1,
      cause: { code: 'ERR_CALL_TIMEOUT' },
    });
    lease.discard();
    expect(await call).toBeInstanceOf(ThriftConnectionError);
    // The kernel still accepts for it.
    const error = await rejection(pool.use((client) => client.echo('hello')));
    expect(error).toBeInstanceOf(DialError);
    expect(error.cause).toMatchObject({ code: 'ERR_CALL_TIMEOUT', call: 'heartbeat' });

    await server.signal('SIGCONT');
    expect(await pool.use((client) => client.echo('hello'), { timeout: '20s' })).toBe('hello');
    const { durationMs, ...report } = await pool.close();
    expect(report).toEqual({ closed: 1, forced: 0, failed: 0 });
    expect(durationMs).toBeGreaterThanOrEqual(0);
  });
});

describe('a pool that is closed by force', () => {
  it('fails the calls in flight on what it takes back', async () => {
    await using server = await startDepotProcess();
    const pool = poolTo(server.port);
    const arrived = server.hanging();
    const call = rejection(pool.use((client) => client.hang()));
    await arrived;
    expect(await pool.close({ drain: 0 })).toMatchObject({ forced: 1, failed: 0 });
    expect((await call).message).toBe(
      `Thrift connection to ${host}:${server.port} was closed by its pool (forced).`,
    );
  });
});
