import {
  ConnPoolModule,
  getPoolToken,
  InvalidOptionsError,
  type ManagedDefinition,
  type PoolContext,
  PoolRegistry,
} from 'nestjs-conn-pool';
import { applications, LogBook } from '../applications.js';
import { StrangerPool } from '../stranger-pool.js';

describe('a definition with a pool instead of a connector', () => {
  const { boot, compile } = applications();

  it('is made with its name and all that was said about it', async () => {
    const contexts: PoolContext[] = [];
    const pool = (context: PoolContext) => {
      contexts.push(context);
      return new StrangerPool(context.name);
    };
    await compile({
      imports: [
        ConnPoolModule.forRoot({ defaults: { max: 4, drain: '1s' }, pools: { sockets: { max: 5 } } }),
        ConnPoolModule.forFeature({ name: 'sockets', pool, min: 1, drain: undefined }),
      ],
    });
    expect(contexts).toEqual([
      { name: 'sockets', options: { name: 'sockets', max: 5, min: 1, drain: '1s' } },
    ]);
  });

  it('is injected, started and closed like any other', async () => {
    const stranger = new StrangerPool('sockets');
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'sockets', pool: () => stranger }),
      ],
    });
    expect(app.get(getPoolToken('sockets'))).toBe(stranger);
    expect(app.get(PoolRegistry).get('sockets')).toBe(stranger);
    expect(stranger.asked).toEqual(['start']);
    await app.close();
    expect(stranger.asked).toEqual(['start', 'close']);
    await app.close();
    expect(stranger.asked).toEqual(['start', 'close']);
  });

  it('can come from an asynchronous feature', async () => {
    const stranger = new StrangerPool('sockets');
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeatureAsync({ name: 'sockets', useFactory: () => ({ pool: () => stranger }) }),
      ],
    });
    expect(app.get(getPoolToken('sockets'))).toBe(stranger);
  });

  it.each<[string, object, RegExp]>([
    ['neither', {}, /connector: got undefined/],
    ['both', { connector: {}, pool: () => new StrangerPool('x') }, /pool: .*not both/],
    ['no function', { pool: new StrangerPool('x') }, /pool: .*a function/],
    [
      'a function that makes no pool',
      { pool: () => ({}) },
      /pool: .*start\(\), stats\(\), heartbeat\(\), close\(\)/,
    ],
    ['a function that makes a promise', { pool: async () => new StrangerPool('x') }, /pool: .*start\(\)/],
  ])('is refused with %s', async (_what, definition, message) => {
    const app = compile({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'x', ...definition } as unknown as ManagedDefinition),
      ],
    });
    await expect(app).rejects.toThrow(InvalidOptionsError);
    await expect(app).rejects.toThrow(/Pool "x"/);
    await expect(app).rejects.toThrow(message);
  });

  it('is told off for a name of its own, since its events carry it', async () => {
    const log = new LogBook();
    await compile(
      {
        imports: [
          ConnPoolModule.forRoot(),
          ConnPoolModule.forFeature({ name: 'x', pool: () => new StrangerPool('y') }),
        ],
      },
      { log },
    );
    expect(log.ofPools('warn')).toEqual([expect.stringContaining('Pool "x" calls itself "y"')]);
  });
});
