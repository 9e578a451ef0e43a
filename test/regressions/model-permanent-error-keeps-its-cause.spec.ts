import { type Conn, follow, smallWorld } from './model-small-world.js';

it('a permanent dial error keeps its cause when an unused connection dies after it', async () => {
  const wrong = new Error('wrong password');
  let dials = 0;
  const { pool, clock } = smallWorld(
    {
      dial: async (): Promise<Conn> => {
        if ((dials += 1) > 1) throw wrong;
        return { serial: 1, closes: 0 };
      },
      isPermanent: (error) => error === wrong,
      isAlive: () => false,
    },
    { max: 2 },
  );
  await pool.warmUp(2);
  const acquiring = follow(pool.acquire());
  await clock.settle();
  expect(acquiring).toMatchObject({ state: 'rejected', value: { code: 'ERR_DIAL', cause: wrong } });
  await pool.close();
});
