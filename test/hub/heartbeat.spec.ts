import { houses } from './houses.js';
import { until } from './until.js';

describe('the heartbeat', () => {
  const house = houses();

  it('[W10] pings those not heard from, and they stay while they answer', async () => {
    const it = await house({ heartbeatInterval: 20, heartbeatTimeout: 5_000 });
    const client = await it.join('ann');
    let pings = 0;
    client.socket.on('ping', () => (pings += 1));
    await until(() => pings >= 5);
    expect(it.hub.has('ann')).toBe(true);
  });

  it('[W10] terminates one that gives no sign of life in time', async () => {
    const it = await house({ heartbeatInterval: 20, heartbeatTimeout: 20 });
    const client = await it.join('ann', { autoPong: false });
    const alive = await it.join('bob');
    await until(() => !it.hub.has('ann'));
    expect(await client.isClosed()).toEqual({ code: 1006, reason: '' });
    expect(it.told('left')).toMatchObject([{ id: 'ann', reason: 'dead', code: 1006 }]);
    expect(alive.closed).toBeUndefined();
  });

  it('[W10] takes whatever comes as a sign of life', async () => {
    const it = await house({ heartbeatInterval: 40, heartbeatTimeout: 100 });
    const talker = await it.join('ann', { autoPong: false });
    const pinger = await it.join('bob', { autoPong: false });
    const silent = await it.join('cat', { autoPong: false });
    const talking = setInterval(() => {
      talker.socket.send('I am here');
      pinger.socket.ping();
    }, 10);
    try {
      await silent.isClosed();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect([...it.hub.ids()].sort()).toEqual(['ann', 'bob']);
    } finally {
      clearInterval(talking);
    }
  });

  it('[W10] is off with 0', async () => {
    const it = await house({ heartbeatInterval: 0, heartbeatTimeout: 5, writeTimeout: 5 });
    const client = await it.join('ann', { autoPong: false });
    let pings = 0;
    client.socket.on('ping', () => (pings += 1));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect([pings, it.hub.has('ann')]).toEqual([0, true]);
  });

  it('[W10] pings without end when nobody is ever dead', async () => {
    const it = await house({ heartbeatInterval: 10, heartbeatTimeout: 0 });
    const client = await it.join('ann', { autoPong: false });
    await new Promise((resolve) => client.socket.once('ping', resolve));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(it.hub.has('ann')).toBe(true);
  });
});
