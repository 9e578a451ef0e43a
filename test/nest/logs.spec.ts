import { jest } from '@jest/globals';
import { ConnPoolModule, PoolRegistry } from 'nestjs-conn-pool';
import { FakeClock, fakeConnector } from 'nestjs-conn-pool/testing';
import { eventsOf } from '../../lib/core/pool-events.js';
import { applications, LogBook } from './applications.js';
import { StrangerPool } from './stranger-pool.js';

describe('the log of an application', () => {
  const { boot } = applications();

  it('has a line for each pool at its start and at its end, through Nest’s Logger', async () => {
    const log = new LogBook();
    const features = ['a', 'b'].map((name) =>
      ConnPoolModule.forFeature({ name, connector: fakeConnector(), min: 2, startup: 'wait' }),
    );
    const app = await boot({ imports: [ConnPoolModule.forRoot(), ...features] }, { log });
    expect(log.ofPools()).toEqual([
      'Pool "a" started: 2 of at most 10 connections ready.',
      'Pool "b" started: 2 of at most 10 connections ready.',
    ]);
    const lease = await app.get(PoolRegistry).get('b').acquire();
    lease.release();
    await app.close();
    expect(log.ofPools().slice(2)).toEqual([
      expect.stringMatching(/^Pool "a" closed in \d+ ms: 2 connections, 0 by force\.$/),
      expect.stringMatching(/^Pool "b" closed in \d+ ms: 2 connections, 0 by force\.$/),
    ]);
  });

  it('tells of failing dials and of recovery, a line each way, on the pool’s own clock', async () => {
    const log = new LogBook();
    const clock = new FakeClock();
    const connector = fakeConnector({ clock });
    connector.dial.always('fail');
    await boot(
      { imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector, clock, min: 1 })] },
      { log },
    );
    await clock.settle();
    expect(log.ofPools('warn')).toEqual([
      expect.stringMatching(/^Pool "default": dial attempt 1 failed: .* next dial in/),
    ]);
    connector.dial.always('ok');
    await clock.advance('5s');
    expect(log.ofPools().at(-1)).toMatch(/^Pool "default" recovered after .*failed dial/);
  });

  it('does not make the pool tell of every borrowing', async () => {
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'a', connector: fakeConnector() }),
      ],
    });
    const events = eventsOf(app.get(PoolRegistry).get('a'));
    expect([events?.wants('lost'), events?.borrowingsWanted]).toEqual([true, false]);
  });

  it('tells at shutdown of what had to be taken by force', async () => {
    const log = new LogBook();
    const feature = ConnPoolModule.forFeature({ name: 'a', connector: fakeConnector(), drain: 0 });
    const app = await boot({ imports: [ConnPoolModule.forRoot(), feature] }, { log });
    await app.get(PoolRegistry).get('a').acquire();
    await app.close();
    expect(log.ofPools('warn')).toEqual([
      expect.stringMatching(
        /^Pool "a" closed in \d+ ms: 1 connection, 1 by force\. Look at what was still using them/,
      ),
    ]);
  });

  it('says two seconds into a shutdown which pools are still in use, also when a stranger does not know', async () => {
    class Broken extends StrangerPool {
      override stats(): never {
        throw new Error('broken');
      }
    }
    jest.useFakeTimers();
    try {
      const log = new LogBook();
      const app = await boot(
        {
          imports: [
            ConnPoolModule.forRoot(),
            ConnPoolModule.forFeature(
              { name: 'odd', pool: ({ name }) => new Broken(name) },
              { name: 'busy', connector: fakeConnector() },
            ),
          ],
        },
        { log },
      );
      const registry = app.get(PoolRegistry);
      const lease = await registry.get('busy').acquire();
      registry.beforeApplicationShutdown();
      jest.advanceTimersByTime(1999);
      expect(log.ofPools('warn')).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(log.ofPools('warn')).toEqual([
        expect.stringMatching(/"odd" .*stats\(\) fails: broken/),
        expect.stringMatching(/"busy" a connection is still in use/),
      ]);
      lease.release();
    } finally {
      jest.useRealTimers();
    }
  });
});
