import { ConnPool, InvalidOptionsError, type PoolEvent } from 'nestjs-conn-pool/core';
import { take } from 'rxjs';
import { Latencies } from '../../../lib/core/latency.js';
import { PoolEvents } from '../../../lib/core/pool-events.js';

const UNWATCHED = { lookOn: () => undefined, latencies: () => new Latencies(), dialTroubles: () => [] };

describe('the events of a pool', () => {
  it('tell that the watching of a connection could not be stopped, which is closed all the same', async () => {
    const cause = new Error('it will not stop');
    const closed: object[] = [];
    const conn = {};
    const pool = new ConnPool({
      dial: () => conn,
      close: (one) => void closed.push(one),
      watch: () => () => {
        throw cause;
      },
    });
    const heard: PoolEvent[] = [];
    pool.events$.subscribe((event) => heard.push(event));
    (await pool.acquire()).discard();
    expect(closed).toEqual([conn]);
    expect(heard.filter(({ type }) => type === 'close-failed')).toMatchObject([
      { reason: 'discarded', cause },
    ]);
    await pool.close();
  });

  const state = { type: 'state', pool: 'thrift', state: 'open' } as const;

  it('are observed while somebody listens, and no longer', () => {
    let looked = 0;
    const events = new PoolEvents('thrift', { ...UNWATCHED, lookOn: () => void (looked += 1) });
    const isObserved = (): boolean[] => [events.observed, events.wants('state'), events.borrowingsWanted];
    expect([isObserved(), looked]).toEqual([[false, false, false], 0]);
    const [first, second] = [events.subscribe(() => undefined), events.subscribe(() => undefined)];
    first.unsubscribe();
    expect([isObserved(), looked]).toEqual([[true, true, true], 1]);
    second.unsubscribe();
    expect([isObserved(), looked]).toEqual([[false, false, false], 2]);
  });

  it('are let go of by a pipeline that has had enough', () => {
    const events = new PoolEvents('thrift', UNWATCHED);
    const heard: string[] = [];
    events
      .pipe(take(1))
      .subscribe({ next: () => heard.push('next'), complete: () => heard.push('complete') });
    events.emit(state);
    events.emit(state);
    expect([heard, events.observed]).toEqual([['next', 'complete'], false]);
  });

  it('refuse a listener that cannot even be looked at', () => {
    const trap = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw new Error('a trap');
        },
      },
    );
    expect(() => new PoolEvents('thrift', UNWATCHED).subscribe(trap)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_OPTIONS',
        problems: [expect.objectContaining({ given: 'what cannot be read: a trap' })],
      }),
    );
  });

  it('may be listened to for their end only', () => {
    const events = new PoolEvents('thrift', UNWATCHED);
    const ends: string[] = [];
    events.subscribe();
    events.subscribe(undefined, null, () => ends.push('after undefined'));
    events.subscribe(null, null, () => ends.push('after null'));
    events.subscribe({ complete: () => ends.push('of an observer') });
    events.emit(state);
    events.complete();
    expect(ends).toEqual(['after undefined', 'after null', 'of an observer']);
    expect(events.observed).toBe(false);
  });

  it('have ended for whoever comes later', () => {
    const events = new PoolEvents('thrift', UNWATCHED);
    events.complete();
    const heard: string[] = [];
    events.subscribe({ next: () => heard.push('next'), complete: () => heard.push('complete') });
    events.emit(state);
    expect([heard, events.observed]).toEqual([['complete'], false]);
  });

  it.each([7, 'next', true, Symbol('s')])('refuse a listener that is none: %p', (listener) => {
    const events = new PoolEvents('thrift', UNWATCHED);
    expect(() => events.subscribe(listener as never)).toThrow(InvalidOptionsError);
    expect(() => events.subscribe(listener as never)).toThrow(
      expect.objectContaining({
        pool: 'thrift',
        problems: [{ path: 'events$.subscribe()', given: listener, allowed: 'a function or an observer' }],
      }),
    );
  });

  it('reach those who listen when it happens: not one who comes while it is told, and not one who has left', () => {
    const events = new PoolEvents('thrift', UNWATCHED);
    const heard: string[] = [];
    events.subscribe(() => {
      heard.push('first');
      second.unsubscribe();
      events.subscribe(() => heard.push('late'));
    });
    const second = events.subscribe(() => heard.push('second'));
    events.emit(state);
    expect(heard).toEqual(['first']);
    events.emit(state);
    expect(heard).toEqual(['first', 'first', 'late']);
  });
});
