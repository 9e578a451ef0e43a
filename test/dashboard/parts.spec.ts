import { KeyedConnPool, type PoolEvent } from 'nestjs-conn-pool/core';
import { type Backplane, ConnHub } from 'nestjs-conn-pool/hub';
import { Course, Peaks } from '../../lib/dashboard/course.js';
import { viewHub } from '../../lib/dashboard/hub-view.js';
import { type NewsItem, poolNews } from '../../lib/dashboard/news.js';
import { NewsDesk } from '../../lib/dashboard/news-desk.js';
import { pageParts } from '../../lib/dashboard/page-parts.js';
import { viewPool } from '../../lib/dashboard/pool-view.js';
import { Refusals } from '../../lib/dashboard/refusals.js';

describe('an acquire that was refused', () => {
  it('is of interest for three seconds', () => {
    let now = 0;
    const refusals = new Refusals(() => now);
    expect(refusals.lately).toBe(false);
    refusals.note({ type: 'dialed' } as PoolEvent);
    expect(refusals.lately).toBe(false);
    refusals.note({ type: 'exhausted' } as PoolEvent);
    now = 2999;
    expect(refusals.lately).toBe(true);
    now = 3000;
    expect(refusals.lately).toBe(false);
  });
});

describe('what is told of an event', () => {
  const text = (event: object) => poolNews('echo', event as PoolEvent, 0)?.text;

  it.each([
    [{ type: 'started', ready: 1 }, 'Started with 1 connection ready'],
    [{ type: 'dialed', id: 7, durationMs: 3.21 }, 'Connection 7 dialled in 3.2 ms'],
    [
      { type: 'dial-failed', attempt: 1, cause: new Error('refused'), retryInMs: 120, permanent: false },
      'Dial failed: refused; next try in 120 ms or later',
    ],
    [
      { type: 'dial-failed', attempt: 2, cause: new Error('password'), retryInMs: 120, permanent: true },
      'Dial attempt 2 failed: password; retrying is pointless',
    ],
    [{ type: 'recovered', failures: 3, downMs: 4321 }, 'Dials succeed again, after 3 failures in 4.3 s'],
    [{ type: 'lost', id: 7, leased: true }, 'Connection 7 lost in a borrower’s hands'],
    [{ type: 'lost', id: 7, leased: false, cause: new Error('reset') }, 'Connection 7 lost: reset'],
    [{ type: 'close', id: 7, reason: 'idle-timeout' }, 'Connection 7 closed: idle-timeout'],
    [{ type: 'exhausted', leased: 4, waiting: 2 }, 'Exhausted: an acquire was refused, 4 in use, 2 waiting'],
    [{ type: 'leak', id: 7, heldMs: 61_000, stack: 'at x' }, 'Connection 7 has been held for 61 s: a leak?'],
    [{ type: 'generation', generation: 2 }, 'Generation 2: what was dialled before is not lent again'],
    [{ type: 'state', state: 'paused' }, 'Paused: nothing is lent'],
    [{ type: 'closed', report: { closed: 2, forced: 1 } }, 'Closed: 2 connections, 1 by force'],
    [{ type: 'dialed', id: 7, durationMs: 3, key: 'tenant' }, 'Connection 7 dialled in 3 ms, key "tenant"'],
    [
      { type: 'dialed', id: 7, durationMs: 3, key: 'redis://user:secret@host' },
      'Connection 7 dialled in 3 ms, key "redis://***@host"',
    ],
  ])('%j', (event, expected) => expect(text(event)).toBe(expected));

  it.each([['acquired'], ['released'], ['waited'], ['checked'], ['of-a-stranger']])(
    'nothing, of "%s": it comes too often, or is not known',
    (type) => expect(text({ type, id: 1, durationMs: 0 })).toBeUndefined(),
  );
});

describe('credentials', () => {
  it('are on no row of a pool by keys', async () => {
    const pool = new KeyedConnPool({ dial: () => ({}), close: () => undefined }, { leakThreshold: '1m' });
    const lease = await pool.acquire('redis://user:secret@host');
    const view = viewPool('tenants', pool, [], false);
    lease.release();
    await pool.close();
    expect(view.rows?.map((row) => row.of)).toEqual(['"redis://***@host"']);
    expect(JSON.stringify(view)).not.toContain('secret');
  });

  it('are not in what a hub says of its backplane', async () => {
    const link = {
      ...{ start: async () => undefined, stop: async () => undefined },
      health: () => ({ kind: 'redis', state: 'down', error: 'connect redis://user:secret@host' }),
    };
    const hub = new ConnHub<never>({
      backplane: { kind: 'redis', link: () => link } as unknown as Backplane,
    });
    const health = await hub.health();
    await hub.close();
    expect(viewHub(hub, health).backplane?.error).toBe('connect redis://***@host');
  });
});

describe('the news', () => {
  const item = (level: NewsItem['level'], text: string): NewsItem => ({
    at: 0,
    of: 'pool',
    name: 'echo',
    type: 'dialed',
    level,
    text,
  });

  it('are few in a storm: what is worse stays, and the rest is counted', () => {
    const desk = new NewsDesk();
    desk.add(item('bad', 'the first'));
    for (let count = 0; count < 1000; count += 1) desk.add(item('info', `${count}`));
    const edition = desk.edition();
    expect(edition?.items).toHaveLength(50);
    expect(edition?.items[0]?.text).toBe('the first');
    expect(edition?.items.at(-1)?.text).toBe('999');
    expect(edition?.skipped).toBe(951);
    expect(desk.edition()).toBeUndefined();
  });

  it('are remembered, the last hundred', () => {
    const desk = new NewsDesk();
    for (let count = 0; count < 250; count += 1) {
      desk.add(item('info', `${count}`));
      desk.edition();
    }
    expect(desk.recent()).toHaveLength(100);
    expect(desk.recent()[0]?.text).toBe('150');
  });
});

describe('the course of the last minutes', () => {
  it('forgets what is older', () => {
    const course = new Course();
    for (let at = 0; at <= 400_000; at += 2000) course.add({ at, pools: {}, hubs: {} });
    expect(course.since(0)).toHaveLength(151);
    expect(course.since(0)[0]?.at).toBe(100_000);
  });

  it('has the highest numbers between two points', () => {
    const peaks = new Peaks();
    peaks.note('echo', { leased: 3, waiting: 0, max: 8 });
    peaks.note('echo', { leased: 1, waiting: 7, max: 4 });
    expect(peaks.take()).toEqual(new Map([['echo', { leased: 3, waiting: 7, max: 4 }]]));
    expect(peaks.take().size).toBe(0);
  });
});

describe('the script of the page', () => {
  it('is all modules in one scope, without what joined them', () => {
    const { script } = pageParts();
    expect(script).not.toMatch(/^(import|export) /m);
    expect(script).not.toContain('</script');
    const names = Array.from(
      script.matchAll(/^(?:const|let|function|class|async function) (\w+)/gm),
      ([, name]) => name,
    );
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(() => new Function(script)).not.toThrow();
  });
});
