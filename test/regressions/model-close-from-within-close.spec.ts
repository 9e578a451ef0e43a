import { follow, smallWorld } from './model-small-world.js';

describe('close() from within close()', () => {
  it('called by a listener of the draining event: both promises resolve', async () => {
    const { pool, clock } = smallWorld();
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
    const { pool, clock, conns } = smallWorld({
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
    const { pool, clock } = smallWorld();
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
