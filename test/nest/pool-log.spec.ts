import type { PoolEvent } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { PoolLog } from '../../lib/nest/pool-log.js';
import { LogBook } from './applications.js';
import { StrangerPool } from './stranger-pool.js';

type Told = PoolEvent extends infer E ? (E extends PoolEvent ? Omit<E, 'pool'> : never) : never;

function setUp() {
  const clock = new FakeClock();
  const book = new LogBook();
  const log = new PoolLog('thrift', new StrangerPool('thrift'), book, clock);
  const note = (event: Told): void => log.note({ pool: 'thrift', ...event } as PoolEvent);
  const lines = (): string[] => book.lines.splice(0).map(({ level, text }) => `${level}: ${text}`);
  return { clock, note, lines };
}

const LOOK_AT_PEER = 'Look at the peer: its address, whether it runs, what it logs.';
const LOOK_AT_HOLDERS = 'Look at how long leases are held ("leakThreshold" shows where), then at "max".';
const LOOK_AT_LOSS =
  'Look at what ends them: the peer, or a limit between here and there that is shorter than "idleTimeout" or "maxLifetime".';

const failed = (attempt: number, retryInMs = 87.4): Told => ({
  type: 'dial-failed',
  attempt,
  durationMs: 1,
  cause: new Error('connect ECONNREFUSED'),
  permanent: false,
  failures: attempt,
  retryInMs,
});
const recovered: Told = { type: 'recovered', failures: 5, downMs: 3210.7 };
const lost: Told = { type: 'lost', id: 1, cause: new Error('read ECONNRESET'), leased: true, ageMs: 9 };
const exhausted: Told = { type: 'exhausted', leased: 10, waiting: 3 };
const closed: Told = { type: 'closed', report: { closed: 4, forced: 0, failed: 0, durationMs: 12.3 } };

describe('PoolLog', () => {
  it('tells of the start, with what is ready', () => {
    const { note, lines } = setUp();
    note({ type: 'started', ready: 2 });
    expect(lines()).toEqual(['log: Pool "thrift" started: 2 of at most 10 connections ready.']);
  });

  it('says of a start with less than "min" that the others are on their way', () => {
    const book = new LogBook();
    const pool = new StrangerPool('thrift');
    pool.counts = { min: 4 };
    new PoolLog('thrift', pool, book, new FakeClock()).note({ type: 'started', pool: 'thrift', ready: 1 });
    expect(book.lines[0]?.text).toBe(
      'Pool "thrift" started: 1 of at most 10 connections ready. The other 3 of "min" are being dialled.',
    );
  });

  it('says of a permanent failure that to dial again will not mend it', () => {
    const { note, lines } = setUp();
    note({ ...failed(1), permanent: true } as Told);
    expect(lines()[0]).toMatch(/Look at the credentials.*to dial again will not mend it\.$/);
  });

  it('says of acquires that timed out without a failed dial to look at who holds the connections', () => {
    const { note, lines } = setUp();
    note({ type: 'timeout', error: new Error('late'), durationMs: 5 });
    expect(lines()[0]).toContain(LOOK_AT_HOLDERS);
  });

  it('tells of a failed dial at once, with its attempt, cause and next delay', () => {
    const { note, lines } = setUp();
    note(failed(1));
    expect(lines()).toEqual([
      'warn: Pool "thrift": dial attempt 1 failed: connect ECONNREFUSED; next dial in 87 ms at the earliest. ' +
        LOOK_AT_PEER,
    ]);
  });

  it('tells of a permanent failure as such', () => {
    const { note, lines } = setUp();
    note({ ...failed(1), permanent: true } as Told);
    expect(lines()).toEqual([expect.stringContaining('dial attempt 1 failed (permanent error): connect')]);
  });

  it('tells of further failures at most once a second while they last', async () => {
    const { clock, note, lines } = setUp();
    for (let attempt = 1; attempt <= 40; attempt++) {
      note(failed(attempt));
      await clock.advance(100);
    }
    const told = lines();
    expect(told).toHaveLength(5);
    expect(told[1]).toBe(
      'warn: Pool "thrift": 9 dials failed, the last at attempt 10: connect ECONNREFUSED; next dial in 87 ms at the earliest. ' +
        LOOK_AT_PEER,
    );
  });

  it('tells of recovery, and of the next failure at once again', async () => {
    const { clock, note, lines } = setUp();
    note(failed(1));
    await clock.advance(100);
    note(recovered);
    await clock.advance(100);
    note(failed(1));
    expect(lines()).toEqual([
      expect.stringContaining('dial attempt 1 failed'),
      'log: Pool "thrift" recovered after 5 failed dials in 3211 ms.',
      expect.stringContaining('dial attempt 1 failed'),
    ]);
  });

  it('does not tell each time of a peer that comes and goes', async () => {
    const { clock, note, lines } = setUp();
    for (let round = 0; round < 100; round++) {
      note(failed(1));
      await clock.advance(15);
      note(recovered);
      await clock.advance(15);
    }
    await clock.advance(5000);
    const told = lines();
    // Two hundred things have happened in three seconds.
    expect(told.length).toBeLessThanOrEqual(10);
    expect(told.at(-1)).toMatch(/recovered/);
  });

  it('tells of lost connections by their number, a dead server in one line', async () => {
    const { clock, note, lines } = setUp();
    for (let i = 0; i < 10; i++) note(lost);
    await clock.advance(100);
    expect(lines()).toEqual([`warn: Pool "thrift" lost 10 connections: read ECONNRESET. ${LOOK_AT_LOSS}`]);
    for (let i = 0; i < 30; i++) {
      note({ type: 'heartbeat-failed', id: 1, cause: undefined, durationMs: 5 });
      await clock.advance(100);
    }
    await clock.advance(5000);
    const told = lines();
    expect(told.length).toBeLessThanOrEqual(4);
    expect(told.at(-1)).toMatch(/^warn: Pool "thrift" lost (a connection|\d+ connections)\. Look at/);
  });

  it('tells of the loss before the dials that fail because of it', () => {
    const { note, lines } = setUp();
    note(lost);
    note(lost);
    note(failed(1));
    expect(lines()).toEqual([
      `warn: Pool "thrift" lost 2 connections: read ECONNRESET. ${LOOK_AT_LOSS}`,
      expect.stringContaining('dial attempt 1 failed'),
    ]);
  });

  it('counts a failed reset as a loss', async () => {
    const { clock, note, lines } = setUp();
    note({ type: 'reset-failed', id: 1, cause: 'dirty', durationMs: 5 });
    await clock.advance(100);
    expect(lines()).toEqual([`warn: Pool "thrift" lost a connection: dirty. ${LOOK_AT_LOSS}`]);
  });

  it('tells of exhaustion at once, then by number', async () => {
    const { clock, note, lines } = setUp();
    for (let i = 0; i < 5000; i++) note(exhausted);
    await clock.advance(1000);
    expect(lines()).toEqual([
      'warn: Pool "thrift" is exhausted: an acquire was refused (leased 10, waiting 3). ' + LOOK_AT_HOLDERS,
      'warn: Pool "thrift" is exhausted: 4999 acquires were refused (leased 10, waiting 3). ' +
        LOOK_AT_HOLDERS,
    ]);
  });

  it('tells of a leak with the stack of its acquire', () => {
    const { note, lines } = setUp();
    note({ type: 'leak', id: 3, heldMs: 5000.2, stack: '    at borrower (app.js:1:1)' });
    expect(lines()).toEqual([
      'warn: Pool "thrift" may leak: connection 3 has been held for 5000 ms. Look at whether every way out gives it back. It was acquired here:\n' +
        '    at borrower (app.js:1:1)',
    ]);
  });

  it('tells of the end, and aloud when connections were taken by force', () => {
    const { note, lines } = setUp();
    note(closed);
    note({ type: 'closed', report: { closed: 4, forced: 1, failed: 2, durationMs: 1000 } });
    expect(lines()).toEqual([
      'log: Pool "thrift" closed in 12 ms: 4 connections, 0 by force.',
      'warn: Pool "thrift" closed in 1000 ms: 4 connections, 1 by force, 2 with an error. Look at what was still using them: it needed more than "drain", or has leaked.',
    ]);
  });

  it('has told everything and left no timer when the pool is closed', () => {
    const { clock, note, lines } = setUp();
    note(failed(1));
    note(failed(2));
    note(recovered);
    note(lost);
    note(exhausted);
    note(exhausted);
    lines();
    note(closed);
    expect(lines()).toEqual([
      expect.stringContaining('lost a connection'),
      expect.stringContaining('an acquire was refused'),
      expect.stringContaining('closed in 12 ms'),
    ]);
    expect(clock.pending).toBe(0);
  });

  it('says nothing of what is no news', () => {
    const { note, lines } = setUp();
    note({ type: 'dialed', id: 1, attempt: 1, durationMs: 1 });
    note({ type: 'close', id: 1, reason: 'idle-timeout', durationMs: 5 });
    note({ type: 'state', state: 'paused' });
    expect(lines()).toEqual([]);
  });

  it('tells of acquires that timed out, counted, with what dials have been failing with', async () => {
    const { clock, note, lines } = setUp();
    const error = new Error('late', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1.') });
    for (let time = 1; time <= 3; time++) note({ type: 'timeout', error, durationMs: 5 });
    await clock.advance('1s');
    const counts = 'idle 0, leased 0, waiting 0';
    expect(lines()).toEqual([
      `warn: Pool "thrift": an acquire timed out (${counts}): connect ECONNREFUSED 127.0.0.1:1. Look at the failed dials above.`,
      `warn: Pool "thrift": 2 acquires timed out (${counts}): connect ECONNREFUSED 127.0.0.1:1. Look at the failed dials above.`,
    ]);
  });

  it('tells of closes that failed, with the cause', () => {
    const { note, lines } = setUp();
    note({ type: 'close-failed', id: 1, reason: 'discarded', cause: new Error('boom') });
    expect(lines()).toEqual([
      'warn: Pool "thrift" could not close a connection properly: boom. Look at the connector\'s close().',
    ]);
  });

  it('takes a leak back when the lease ends after all', () => {
    const { note, lines } = setUp();
    note({ type: 'leak-returned', id: 7, heldMs: 1234.5 });
    expect(lines()).toEqual([
      'log: Pool "thrift": connection 7 came back after 1235 ms; it was slow, not leaked.',
    ]);
  });

  it('tells of a pool by keys which key it is, without credentials', async () => {
    const { clock, note, lines } = setUp();
    const key = 'redis://user:secret@host:6379';
    const error = new Error('late');
    const events: Told[] = [
      failed(1),
      recovered,
      lost,
      exhausted,
      { type: 'timeout', error, durationMs: 5 },
      { type: 'close-failed', id: 1, reason: 'discarded', cause: new Error('boom') },
      { type: 'leak', id: 3, heldMs: 5000, stack: '' },
      { type: 'leak-returned', id: 3, heldMs: 6000 },
    ];
    for (const event of events) {
      note({ ...event, key } as Told);
      await clock.advance('1m');
    }
    const told = lines();
    expect(told).toHaveLength(events.length);
    for (const line of told) expect(line).toContain(': Pool "thrift" ("redis://***@host:6379")');
  });

  it('shows nothing of a value that is no error', () => {
    const { note, lines } = setUp();
    note({ ...failed(1), cause: { password: 'secret' } } as Told);
    expect(lines()[0]).not.toContain('secret');
  });
});
