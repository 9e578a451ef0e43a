import { rejection } from '../pools-under-test.js';
import { keyedPoolsUnderTest } from './keyed-pools-under-test.js';

describe('keyOf', () => {
  const make = keyedPoolsUnderTest();

  it('says which keys are the same; the first of them is what is dialled for and shown', async () => {
    const { pool, connector, dialledFor, said } = make<{ host: string; note: string }>({
      keyOf: ({ host }) => host,
      max: 1,
    });
    const [one, same] = [
      { host: 'a', note: 'first' },
      { host: 'a', note: 'second' },
    ];
    (await pool.acquire(one)).release();
    const lease = await pool.acquire(same);
    expect([lease.conn, lease.reused]).toEqual([connector.conns[0], true]);
    lease.release();
    expect(dialledFor).toEqual([one]);
    expect(pool.keys()).toEqual([one]);
    expect([pool.stats(same).key, pool.inspect()[0]?.key, said('dialed')[0]?.key]).toEqual([one, one, one]);
    expect(await pool.closeIdle(same)).toBe(1);
  });

  it('is the key itself where nothing is said: objects by identity, NaN like itself', async () => {
    const { pool, take } = make<unknown>();
    const [key, twin] = [{}, {}];
    for (const lease of await take(key, twin, key, NaN, NaN, undefined, 1, '1')) lease.release();
    expect(pool.keys()).toEqual([key, twin, NaN, undefined, 1, '1']);
    expect([pool.stats(key).idle, pool.stats(twin).idle, pool.stats(NaN).idle]).toEqual([2, 1, 2]);
    expect(pool.stats(undefined as never)).toMatchObject({ idle: 1 });
  });

  it('that throws refuses the call, and nothing else', async () => {
    const error = new Error('what is this?');
    const { pool, fill } = make<string>({
      keyOf: (key) => {
        if (key === 'bad') throw error;
        return key;
      },
    });
    await fill('good');
    expect(await rejection(pool.acquire('bad'))).toBe(error);
    expect(await rejection(pool.use('bad', () => 1))).toBe(error);
    expect(pool.stats()).toMatchObject({ idle: 1, waiting: 0 });
    expect(pool.keys()).toEqual(['good']);
  });
});
