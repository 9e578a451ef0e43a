import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PoolRegistry } from 'nestjs-conn-pool';
import { SocketPool } from 'nestjs-conn-pool/net';
import { ADAPTERS, House, type HouseOptions, poolIn } from './house.js';

jest.setTimeout(30_000);

describe.each(ADAPTERS)('the actions of a dashboard on %s', (_name, adapter) => {
  let house: House;
  afterEach(() => house.close());

  async function open(options: HouseOptions = {}): Promise<void> {
    house = await House.open({ adapter, dashboard: { actions: true }, ...options });
  }

  async function offered(name = 'echo'): Promise<string[]> {
    const reader = await house.watch();
    // The first may have been taken before, for somebody else.
    await reader.next('snapshot');
    return poolIn(await reader.next('snapshot'), name).actions;
  }

  it('do not exist unless they are enabled', async () => {
    await open({ dashboard: {} });
    expect(await offered()).toEqual([]);
    expect(await house.steer('do=pause&pool=echo')).toMatchObject({ status: 404 });
    expect(house.pool.state).toBe('open');
  });

  it('are only those that are enabled', async () => {
    await open({ dashboard: { actions: ['close-idle', 'pause'] } });
    expect(await offered()).toEqual(['close-idle', 'pause']);
    expect(await house.steer('do=evict-all&pool=echo')).toMatchObject({
      status: 400,
      message: 'There is no such action; there are close-idle, pause.',
    });
  });

  it('are only those that a pool of its kind has, and that make sense in its state', async () => {
    await open();
    await house.app
      .get(PoolRegistry)
      .create({ name: 'sockets', pool: ({ name }) => new SocketPool({ name }) });
    expect(await offered()).toEqual(['heartbeat', 'close-idle', 'evict-all', 'resize', 'pause']);
    expect(await offered('sockets')).toEqual(['heartbeat', 'close-idle']);
    house.pool.pause();
    expect(await offered()).toEqual(['heartbeat', 'close-idle', 'evict-all', 'resize', 'resume']);
    expect(await house.steer('do=pause&pool=sockets')).toMatchObject({ status: 400 });
  });

  it('need the token of this instance', async () => {
    await open();
    for (const token of ['', 'x', 'x'.repeat(32)]) {
      const { status, message } = await house.post('do=pause&pool=echo', { 'x-conn-pool-token': token });
      expect({ status, message }).toEqual({
        status: 403,
        message: 'The page is of another instance of the application. Reload it.',
      });
    }
    expect(house.pool.state).toBe('open');
  });

  it.each([
    ['that a browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['that a browser calls same-site', { 'sec-fetch-site': 'same-site' }],
    ['with another origin', { origin: 'https://theirs.example' }],
    ['with no origin that could be told', { origin: 'null' }],
  ])('refuse a request %s, whatever it knows', async (_which, headers) => {
    await open();
    expect(await house.steer('do=pause&pool=echo', headers)).toMatchObject({
      status: 403,
      message: 'Only a page of this site may do that.',
    });
    expect(house.pool.state).toBe('open');
  });

  it('are done by POST only', async () => {
    await open();
    expect((await fetch(`${house.url}/conn-pool/actions?do=pause&pool=echo`)).status).toBe(404);
  });

  it('pause and resume', async () => {
    await open();
    expect(await house.steer('do=pause&pool=echo')).toEqual({ status: 200, done: 'Pool "echo" is paused.' });
    expect(house.pool.state).toBe('paused');
    expect(await house.steer('do=resume&pool=echo')).toEqual({
      status: 200,
      done: 'Pool "echo" lends again.',
    });
    expect(house.pool.state).toBe('open');
  });

  it('close what is idle', async () => {
    await open();
    const leases = [await house.pool.acquire(), await house.pool.acquire()];
    leases[0]?.release();
    expect(await house.steer('do=close-idle&pool=echo')).toEqual({
      status: 200,
      done: 'Pool "echo": 1 idle connection closed.',
    });
    expect(house.pool.stats()).toMatchObject({ idle: 0, leased: 1 });
    leases[1]?.release();
  });

  it('replace all', async () => {
    await open();
    const lease = await house.pool.acquire();
    expect(await house.steer('do=evict-all&pool=echo')).toMatchObject({ status: 200 });
    lease.release();
    expect(house.pool.stats().idle).toBe(0);
  });

  it('check what is idle, and say how it is', async () => {
    await open();
    expect(await house.steer('do=heartbeat&pool=echo')).toMatchObject({
      done: 'Pool "echo": no idle connection to check.',
    });
    (await house.pool.acquire()).release();
    expect((await house.steer('do=heartbeat&pool=echo')).done).toMatch(
      /^Pool "echo": 1 of 1 idle connection answered, the slowest in \d+ ms\.$/,
    );
    house.connector.heartbeat.next('fail');
    expect((await house.steer('do=heartbeat&pool=echo')).done).toMatch(
      /^Pool "echo": 1 of 1 idle connection failed: .*fake heartbeat/,
    );
  });

  it('resize, and refuse sizes that are none', async () => {
    await open();
    expect(await house.steer('do=resize&pool=echo&max=7&min=1&maxIdle=5')).toEqual({
      status: 200,
      done: 'Pool "echo" now has max 7, min 1, maxIdle 5.',
    });
    expect(house.pool.stats()).toMatchObject({ max: 7, min: 1, maxIdle: 5 });
    expect(await house.steer('do=resize&pool=echo&max=8')).toMatchObject({
      done: 'Pool "echo" now has max 8, min 1, maxIdle 5.',
    });
    await house.steer('do=resize&pool=echo&max=7');
    for (const size of ['max=0', 'max=many', 'min=8', 'max=']) {
      expect({ size, ...(await house.steer(`do=resize&pool=echo&${size}`)) }).toMatchObject({
        size,
        status: 409,
      });
    }
    expect(house.pool.stats()).toMatchObject({ max: 7, min: 1, maxIdle: 5 });
  });

  it('say so when the pool has gone', async () => {
    await open();
    expect(await house.steer('do=pause&pool=nowhere')).toMatchObject({ status: 404 });
  });

  it('leave a line in the log', async () => {
    await open();
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    await house.steer('do=pause&pool=echo');
    expect(log.mock.calls.flat()).toContain('Dashboard, pause. Pool "echo" is paused.');
    log.mockRestore();
  });

  it('need no parser for bodies', async () => {
    await open({ prepare: undefined });
    const reply = await house.steer('do=pause&pool=echo', { 'content-type': 'text/plain' });
    expect(reply).toMatchObject({ status: 200 });
  });
});
