// First seen in bb8#141 and #147, generic-pool#161 and sequelize#7884: with a wrong password every acquire hung for its
// whole timeout and ended in an error that spoke of a timeout and of nothing else.
import { follow, poolsUnderTest, rejection } from '../core/pools-under-test.js';

class WrongPassword extends Error {}
const isPermanent = (error: unknown) => error instanceof WrongPassword;

describe('[R10] [B3] a wrong password', () => {
  const make = poolsUnderTest();

  it('is what the acquire rejects with, long before its timeout, also when the connector cannot tell it', async () => {
    const { pool, connector, clock } = make({ acquireTimeout: '30s' });
    const cause = new WrongPassword('password authentication failed');
    connector.dial.always({ fail: cause });
    const callers = Array.from({ length: 10 }, () => follow(pool.acquire()));
    await clock.advance('1s');
    for (const { now } of callers) expect(now).toMatchObject({ error: { code: 'ERR_DIAL', cause } });
  });

  it('that the connector calls permanent is told at once, without further attempts', async () => {
    const { pool, connector, clock, said } = make({ dialAttempts: 10 }, { isPermanent });
    const cause = new WrongPassword('nope');
    connector.dial.next({ fail: cause });
    const error = await rejection(pool.acquire());
    expect(error).toMatchObject({ code: 'ERR_DIAL', permanent: true, cause });
    expect(said('dial-failed')).toMatchObject([{ permanent: true }]);
    await clock.advance('1m');
    expect(connector.dial.count).toBe(1);
  });

  it('that the connector calls permanent is told to everybody in the line', async () => {
    const { pool, connector, clock } = make({ max: 1, dialAttempts: 10 }, { isPermanent });
    connector.dial.always({ fail: new WrongPassword('nope') });
    const all = Array.from({ length: 20 }, () => follow(pool.acquire()));
    await clock.settle();
    for (const { now } of all) expect(now).toMatchObject({ error: { code: 'ERR_DIAL', permanent: true } });
    expect(connector.dial.count).toBe(1);
  });
});
