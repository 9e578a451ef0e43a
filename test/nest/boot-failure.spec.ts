import { Injectable } from '@nestjs/common';
import { ConnPoolModule, DialError, PoolRegistry } from 'nestjs-conn-pool';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from './applications.js';
import { StrangerPool } from './stranger-pool.js';

describe('an application that cannot begin', () => {
  const { boot, compile } = applications();

  it('for a pool under startup "wait" tells its cause and closes the other pools', async () => {
    const good = fakeConnector();
    const bad = fakeConnector();
    bad.dial.always('fail');
    const stranger = new StrangerPool('stranger');
    const app = await compile({
      imports: [
        ConnPoolModule.forRoot({ defaults: { startup: 'wait' } }),
        ConnPoolModule.forFeature(
          { name: 'good', connector: good, min: 2 },
          { name: 'bad', connector: bad, min: 1 },
          { name: 'stranger', pool: () => stranger },
        ),
      ],
    });
    const begin = app.init();
    await expect(begin).rejects.toThrow(DialError);
    await expect(begin).rejects.toThrow(/Pool "bad" could not dial/);
    await expect(begin).rejects.toMatchObject({ cause: expect.any(Error) });
    expect(Array.from(app.get(PoolRegistry), ({ state }) => state)).toEqual(['closed', 'closed', 'closed']);
    expect(stranger.asked).toEqual(['start', 'close 0']);
    expect(good.live).toEqual([]);
    expect(bad.live).toEqual([]);
  });

  it('begins all the same under startup "background", and goes on trying', async () => {
    const connector = fakeConnector();
    connector.dial.always('fail');
    const app = await boot({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector, min: 1 })],
    });
    expect(app.get(PoolRegistry).get().state).toBe('open');
    expect(connector.dial.count).toBeGreaterThan(0);
  });

  it('for a pool whose start throws in place of rejecting', async () => {
    const broken = new StrangerPool('broken');
    broken.start = () => {
      throw new Error('not even a promise');
    };
    const other = new StrangerPool('other');
    const app = compile({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(
          { name: 'broken', pool: () => broken },
          { name: 'other', pool: () => other },
        ),
      ],
    });
    await expect((await app).init()).rejects.toThrow('not even a promise');
    expect(other.asked).toEqual(['start', 'close 0']);
  });

  it('for a provider that throws has not dialled anything', async () => {
    const connector = fakeConnector();
    const broken = {
      provide: 'broken',
      useFactory: () => {
        throw new Error('broken provider');
      },
    };
    const app = compile({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector, min: 3, startup: 'wait' })],
      providers: [broken],
    });
    await expect(app).rejects.toThrow('broken provider');
    expect(connector.dial.count).toBe(0);
  });

  it('for an onModuleInit that rejects closes the pools with close()', async () => {
    @Injectable()
    class Broken {
      async onModuleInit(): Promise<void> {
        throw new Error('broken hook');
      }
    }
    const connector = fakeConnector();
    const app = await compile({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector, min: 3, startup: 'wait' })],
      providers: [Broken],
    });
    await expect(app.init()).rejects.toThrow('broken hook');
    expect(connector.live).toHaveLength(3);
    await app.close();
    expect(connector.live).toEqual([]);
  });
});
