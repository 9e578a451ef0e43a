import { ConnPool, type ConnPoolOptions, type Connector, type PoolEvent } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';

interface Conn {
  serial: number;
  closes: number;
}

/** A connector as small as can be, with the parts a case needs put over it. */
function world(parts: Partial<Connector<Conn>> = {}, options: ConnPoolOptions = {}, start = 1000) {
  const clock = new FakeClock(start);
  const conns: Conn[] = [];
  const make = (): Conn => {
    const conn = { serial: conns.length + 1, closes: 0 };
    conns.push(conn);
    return conn;
  };
  const connector: Connector<Conn> = {
    dial: async () => make(),
    close: (conn) => void (conn.closes += 1),
    ...parts,
  };
  const pool = new ConnPool<Conn>(connector, { clock, ...options });
  const later = <R>(ms: number, value: () => R): Promise<R> =>
    new Promise((resolve, reject) =>
      clock.setTimeout(() => {
        try {
          resolve(value());
        } catch (error) {
          reject(error);
        }
      }, ms),
    );
  return { clock, conns, make, pool, connector, later };
}

/** How a promise stands, without waiting for it. */
function follow(promise: Promise<unknown>): { state: string; value?: unknown } {
  const standing: { state: string; value?: unknown } = { state: 'pending' };
  promise.then(
    (value) => Object.assign(standing, { state: 'resolved', value }),
    (value: unknown) => Object.assign(standing, { state: 'rejected', value }),
  );
  return standing;
}

const never = <R>(): Promise<R> => new Promise<R>(() => undefined);

describe('close() from within close()', () => {
  it('called by a listener of the draining event: both promises resolve', async () => {
    const { pool, clock } = world();
    let inner = { state: 'not called' };
    pool.events$.subscribe((event) => {
      if (event.type === 'state') inner = follow(pool.close());
    });
    const outer = follow(pool.close());
    await clock.advance('1m');
    expect([outer.state, inner.state, pool.state]).toEqual(['resolved', 'resolved', 'closed']);
    expect(follow(pool.close())).toBeDefined();
  });

  it('called by the connector while an idle connection is closed', async () => {
    const { pool, clock, conns } = world({
      close: (conn) => {
        conn.closes += 1;
        void pool.close();
      },
    });
    (await pool.acquire()).release();
    const outer = follow(pool.close());
    await clock.advance('1m');
    expect(outer.state).toBe('resolved');
    expect(conns.map(({ closes }) => closes)).toEqual([1]);
  });

  it('called by a listener of the closed event: the pool stays closed', async () => {
    const { pool, clock } = world();
    const said: string[] = [];
    pool.events$.subscribe((event) => {
      said.push(event.type);
      if (event.type === 'closed') void pool.close();
    });
    const outer = follow(pool.close());
    await clock.advance('1m');
    expect(outer.state).toBe('resolved');
    expect(said).toEqual(['state', 'closed']);
  });
});

describe('what is dialled and dies unused', () => {
  it('isAlive that is never true does not dial without end within one turn', async () => {
    let dials = 0;
    const { pool, clock } = world(
      {
        dial: async () => {
          // Ends the test where the engine would never let the event loop turn again.
          if ((dials += 1) > 1000) return never();
          return { serial: dials, closes: 0 };
        },
        isAlive: () => false,
      },
      { max: 4 },
    );
    const two = [follow(pool.acquire()), follow(pool.acquire())];
    await clock.settle();
    expect(dials).toBeLessThanOrEqual(4);
    await pool.close({ drain: 0 });
    await clock.settle();
    expect(two.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
  });

  it('a server that accepts and hangs up is not hammered by dials that take turns', async () => {
    let dials = 0;
    const { pool, clock, later, make } = world(
      {
        dial: () => later(5 + (dials++ % 4), make),
        watch: (_conn, lost) => void clock.setTimeout(() => lost(new Error('hung up')), 1),
      },
      { max: 10, min: 8 },
    );
    await pool.start();
    await clock.advance('10s');
    expect(dials).toBeLessThan(400);
    await pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});

describe('an abort listener that comes back into the pool', () => {
  it('a heartbeat that times out and whose listener reports the loss: one close', async () => {
    let lose: ((cause?: unknown) => void) | undefined;
    let beats = 0;
    const { pool, clock, conns } = world(
      {
        watch: (_conn, lost) => void (lose = lost),
        heartbeat: (_conn, { signal }) => {
          if ((beats += 1) === 1) return undefined;
          signal.addEventListener('abort', () => lose?.(new Error('destroyed')));
          return never();
        },
      },
      { heartbeatTimeout: '5s' },
    );
    (await pool.acquire()).release();
    const report = pool.heartbeat();
    await clock.advance('5s');
    await report;
    await clock.advance('1m');
    expect(conns[0]?.closes).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 0, closing: 0 });
    await pool.close();
  });

  it('a reset that times out and whose listener reports the loss: one close', async () => {
    let lose: ((cause?: unknown) => void) | undefined;
    const { pool, clock, conns } = world({
      watch: (_conn, lost) => void (lose = lost),
      reset: (_conn, { signal }) => {
        signal.addEventListener('abort', () => lose?.(new Error('destroyed')));
        return never();
      },
      close: (conn) => {
        conn.closes += 1;
        return Promise.resolve();
      },
    });
    (await pool.acquire()).release();
    await clock.advance('1m');
    expect(conns[0]?.closes).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 0, closing: 0 });
    await pool.close();
  });

  it('a lease taken by force whose listener closes the pool again: one close', async () => {
    const { pool, clock, conns } = world({
      close: async (conn) => void (conn.closes += 1),
    });
    const lease = await pool.acquire();
    lease.signal.addEventListener('abort', () => void pool.close({ drain: 0 }));
    const closing = follow(pool.close({ drain: 0 }));
    await clock.advance('1m');
    expect(conns[0]?.closes).toBe(1);
    expect(closing.state).toBe('resolved');
  });

  it('a dial given up by force whose listener closes the pool again', async () => {
    const { pool, clock } = world({
      dial: ({ signal }) => {
        signal.addEventListener('abort', () => void pool.close({ drain: 0 }));
        return never();
      },
    });
    const acquiring = follow(pool.acquire());
    const closing = follow(pool.close({ drain: '1s' }));
    await clock.advance('1m');
    expect([acquiring.state, closing.state]).toEqual(['rejected', 'resolved']);
  });
});

describe('leak-returned', () => {
  it.each(['release', 'discard', 'detach'] as const)(
    'a listener that closes the pool on %s: one end',
    async (how) => {
      const { pool, clock, conns } = world({}, { leakThreshold: '1s' });
      pool.events$.subscribe((event) => {
        if (event.type === 'leak-returned') void pool.close({ drain: 0 });
      });
      const lease = await pool.acquire();
      await clock.advance('2s');
      lease[how]();
      await clock.advance('1m');
      expect(conns[0]?.closes).toBe(how === 'detach' ? 0 : 1);
      expect(pool.state).toBe('closed');
    },
  );
});

describe('promises that must settle', () => {
  it('heartbeat({ dialIfNone }) when the pool is closed by force', async () => {
    const { pool, clock } = world({ dial: () => never() });
    const report = follow(pool.heartbeat({ dialIfNone: true }));
    await clock.settle();
    const closing = follow(pool.close({ drain: 0 }));
    await clock.advance('1h');
    expect([closing.state, report.state]).toEqual(['resolved', 'resolved']);
  });

  it('warmUp(count) when max shrinks below count', async () => {
    const { pool, clock, later, make } = world({ dial: () => later(10, make) }, { max: 5 });
    const warming = follow(pool.warmUp(5));
    pool.resize({ max: 2 });
    await clock.advance('1h');
    expect(warming).toEqual({ state: 'resolved', value: 2 });
    await pool.close();
  });

  it('closeIdle() whose close lends one of them out', async () => {
    let taken: { detach(): unknown } | undefined;
    const { pool, clock } = world({
      close: (conn) => {
        conn.closes += 1;
        taken ??= pool.tryAcquire();
      },
    });
    const leases = await Promise.all([pool.acquire(), pool.acquire()]);
    leases.forEach((lease) => lease.release());
    const closing = follow(pool.closeIdle());
    await clock.settle();
    taken?.detach();
    await clock.advance('1h');
    expect(closing).toEqual({ state: 'resolved', value: 1 });
    await pool.close();
  });

  it('an acquire whose signal aborts while the pool asks isAlive', async () => {
    const controller = new AbortController();
    const { pool, clock } = world(
      {
        isAlive: () => {
          controller.abort(new Error('mine'));
          return false;
        },
        dial: () => (made++ === 0 ? Promise.resolve({ serial: 1, closes: 0 }) : never()),
      },
      { max: 1, acquireTimeout: 0 },
    );
    let made = 0;
    await pool.warmUp(1);
    const acquiring = follow(pool.acquire({ signal: controller.signal }));
    await clock.advance('5s');
    expect(acquiring.state).toBe('rejected');
    await pool.close({ drain: 0 });
  });
});

describe('an acquire that ends before it has joined the line', () => {
  it('does not leave the process held', async () => {
    const controller = new AbortController();
    const { pool, clock } = world({
      isAlive: () => {
        controller.abort(new Error('mine'));
        return false;
      },
    });
    await pool.warmUp(1);
    const acquiring = follow(pool.acquire({ signal: controller.signal }));
    await clock.settle();
    expect([acquiring.state, pool.stats().waiting, clock.refs]).toEqual(['rejected', 0, 0]);
    await pool.close();
  });
});

describe('the line', () => {
  it('a due idle connection is checked for a waiter while a dial is made for a fresh one', async () => {
    let dials = 0;
    const { pool, clock, make } = world(
      { dial: async () => ((dials += 1) === 1 ? make() : never()), heartbeat: async () => undefined },
      { max: 2, idleTimeout: 0, acquireTimeout: '5s' },
    );
    (await pool.acquire()).release();
    await clock.advance('61s');
    const fresh = follow(pool.acquire({ fresh: true }));
    const regular = follow(pool.acquire());
    await clock.advance('1s');
    expect(regular.state).toBe('resolved');
    await clock.advance('10s');
    expect(fresh.state).toBe('rejected');
    await pool.close({ drain: 0 });
    await clock.advance('1m');
  });

  it('overflow: a fresh acquire is dialled for although a check is running', async () => {
    let beats = 0;
    let dials = 0;
    const { pool, clock, make } = world(
      {
        dial: async () => ((dials += 1), make()),
        heartbeat: () => ((beats += 1) === 2 ? never() : undefined),
      },
      { max: 1, exhausted: 'overflow' },
    );
    (await pool.acquire()).release();
    void pool.heartbeat();
    const fresh = follow(pool.acquire({ fresh: true }));
    await clock.advance('1s');
    expect([dials, fresh.state]).toEqual([2, 'resolved']);
    await pool.close({ drain: 0 });
    await clock.advance('1m');
  });

  it('nothing is dialled for a fresh acquire when making room has closed the pool', async () => {
    let dials = 0;
    const { pool, clock, make } = world({ dial: async () => ((dials += 1), make()) }, { max: 1 });
    (await pool.acquire()).release();
    pool.events$.subscribe((event) => {
      if (event.type === 'close') void pool.close({ drain: 0 });
    });
    const fresh = follow(pool.acquire({ fresh: true }));
    await clock.settle();
    expect([dials, fresh.state, pool.state, pool.stats().size]).toEqual([1, 'rejected', 'closed', 0]);
  });

  it('a fresh acquire at the head is not overtaken for ever', async () => {
    const { pool, clock } = world({}, { max: 1, acquireTimeout: 0 });
    let lease = await pool.acquire();
    const fresh = follow(pool.acquire({ fresh: true }));
    for (let round = 0; round < 50; round += 1) {
      const next = pool.acquire();
      next.catch(() => undefined);
      lease.release();
      await clock.settle();
      if (fresh.state === 'resolved') break;
      lease = await next;
    }
    expect(fresh.state).toBe('resolved');
    void pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});

describe('a turn that lasts long', () => {
  it('an acquire late in it has its whole timeout', async () => {
    const { pool, clock, later, make } = world({ dial: () => later(100, make) });
    pool.tryAcquire();
    clock.stall('10s');
    const acquiring = follow(pool.acquire({ timeout: '5s' }));
    await clock.advance('1s');
    expect(acquiring.state).toBe('resolved');
    await pool.close({ drain: 0 });
  });

  it.each(['dial', 'reset'] as const)('a %s late in it has its whole timeout', async (call) => {
    const { pool, clock, later, make, conns } = world({
      dial: () => (call === 'dial' ? later(100, make) : Promise.resolve(make())),
      ...(call === 'reset' && { reset: () => later(100, () => undefined) }),
    });
    if (call === 'dial') {
      // With an earlier appointment standing nothing reads the clock again.
      void pool.acquire({ timeout: '1s' }).catch(() => undefined);
      clock.stall('12s');
      const acquiring = follow(pool.acquire({ timeout: '1m' }));
      await clock.advance('1s');
      expect([acquiring.state, pool.stats().totals.dialFailures]).toEqual(['resolved', 0]);
    } else {
      await pool.use((_conn, lease) => {
        pool.tryAcquire();
        clock.stall('12s');
        lease.release();
      });
      await clock.advance('1s');
      expect([pool.stats().idle, conns[0]?.closes]).toEqual([1, 0]);
    }
    void pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});

describe('deadlines', () => {
  it('an acquire from within a timeout listener has a deadline', async () => {
    const { pool, clock } = world({}, { max: 1, acquireTimeout: '1s' });
    pool.pause();
    let second: { state: string } | undefined;
    pool.events$.subscribe((event) => {
      if (event.type === 'timeout') second ??= follow(pool.acquire({ timeout: '2s' }));
    });
    const first = follow(pool.acquire());
    await clock.advance('1h');
    expect([first.state, second?.state]).toEqual(['rejected', 'rejected']);
    await pool.close({ drain: 0 });
  });
});

describe('dials that fail at once', () => {
  it('one that succeeds among them does not let them be repeated without end within one turn', async () => {
    let dials = 0;
    const { pool, clock, make } = world(
      {
        dial: () => {
          if ((dials += 1) > 1000) return never();
          return dials === 2 ? Promise.resolve().then(make) : Promise.reject(new Error('refused'));
        },
      },
      { max: 3, dialConcurrency: 3, dialAttempts: 1000 },
    );
    const waiting = [1, 2, 3].map(() => follow(pool.acquire({ timeout: '1s' })));
    await clock.settle();
    expect(dials).toBeLessThan(10);
    await clock.advance('2s');
    expect(waiting.filter(({ state }) => state === 'resolved')).toHaveLength(1);
    void pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});

describe('heartbeat()', () => {
  it('does not ask what was closed by the answer of another', async () => {
    const asked: Conn[] = [];
    const { pool, clock } = world({
      isAlive: (conn) => {
        if (conn.closes > 0) asked.push(conn);
        if (pool.stats().leased === 0) void pool.close({ drain: 0 });
        return true;
      },
    });
    await pool.warmUp(2);
    const report = follow(pool.heartbeat());
    await clock.settle();
    expect([report.state, asked.length]).toEqual(['resolved', 0]);
  });

  it('counts all it set out to ask, also when the first answer is a throw', async () => {
    let up = true;
    const { pool, clock } = world({
      heartbeat: () => {
        if (!up) throw new Error('down');
      },
    });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    leases.forEach((lease) => lease.release());
    up = false;
    const report = follow(pool.heartbeat());
    await clock.settle();
    expect(report.value).toMatchObject({ checked: 3, failed: 3 });
    await pool.close();
  });
});

describe('close()', () => {
  it('reports what it forced when connections close at once', async () => {
    const { pool, clock } = world();
    await Promise.all([pool.acquire(), pool.acquire()]);
    const closing = follow(pool.close({ drain: 0 }));
    await clock.settle();
    expect(closing.value).toMatchObject({ closed: 2, forced: 2 });
  });

  it('leaves no timer when a listener of a timeout closes the pool', async () => {
    const { pool, clock } = world({ dial: () => never() }, { max: 2 });
    const waiting = [follow(pool.acquire({ timeout: '9s' })), follow(pool.acquire({ timeout: '5s' }))];
    pool.events$.subscribe((event: PoolEvent) => {
      if (event.type === 'timeout') void pool.close({ drain: 0 });
    });
    await clock.advance('6s');
    expect(waiting.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
    expect([pool.state, clock.pending]).toEqual(['closed', 0]);
  });
});

describe('large pools', () => {
  it('five thousand idle connections that fail their heartbeats at once by throwing', async () => {
    let up = true;
    const { pool, clock, conns } = world(
      {
        dial: () => ({ serial: 0, closes: 0 }),
        heartbeat: () => {
          if (!up) throw new Error('down');
        },
      },
      { max: 5000 },
    );
    await pool.warmUp(5000);
    void conns;
    up = false;
    const report = follow(pool.heartbeat());
    await clock.advance('10s');
    expect(report.value).toMatchObject({ checked: 5000, failed: 5000 });
    expect(pool.stats()).toMatchObject({ size: 0, checking: 0, closing: 0 });
    const closing = follow(pool.close());
    await clock.advance('1m');
    expect(closing.state).toBe('resolved');
  });
});

describe('upkeep', () => {
  it('a lower min lets go of what only min had spared', async () => {
    const { pool, clock } = world({}, { min: 1, idleTimeout: '1m', maxLifetime: 0 });
    (await pool.acquire()).release();
    await clock.advance('2m');
    expect(pool.stats().idle).toBe(1);
    pool.resize({ min: 0 });
    await clock.advance('2m');
    expect(pool.stats().idle).toBe(0);
    await pool.close();
  });
});
