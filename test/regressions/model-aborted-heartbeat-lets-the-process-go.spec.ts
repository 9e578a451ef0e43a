import { follow, never, smallWorld } from './model-small-world.js';

it('a heartbeat() whose signal has aborted does not hold the process', async () => {
  const { pool, clock } = smallWorld({ dial: () => never() });
  const controller = new AbortController();
  const beating = follow(pool.heartbeat({ dialIfNone: true, timeout: 0, signal: controller.signal }));
  await clock.settle();
  expect(clock.refs).toBe(1);
  controller.abort(new Error('mine'));
  await clock.settle();
  expect([beating.state, clock.refs]).toEqual(['rejected', 0]);
  void pool.close({ drain: 0 });
  await clock.advance('1m');
});
