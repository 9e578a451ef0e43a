import { Inject, Injectable } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ConnPoolModule, InjectPool, InvalidOptionsError, PoolRegistry } from 'nestjs-conn-pool';
import { TcpConn, TcpPool, tcpPool, TcpServer } from 'nestjs-conn-pool/tcp';
import { ConnPoolHealthIndicator, ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { applications } from '../nest/applications.js';
import { inTime, rejection } from '../net/talk.js';
import { until } from '../net/until.js';
import { loopback } from './loopback.js';

const echoPackages = async (conn: TcpConn): Promise<void> => {
  for await (const data of conn.packages()) await conn.sendPkg(data);
};

describe('a TCP pool in an application', () => {
  // In this order: applications are closed before it is seen what they leave behind.
  const { boot, compile } = applications();
  const { peer } = loopback();

  it('is injected by name, in the registry, healthy, and closed in the end', async () => {
    const remote = await peer();

    @Injectable()
    class Devices {
      constructor(@InjectPool('devices') readonly pool: TcpPool) {}
    }

    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(tcpPool({ name: 'devices', max: 5 })),
        TerminusModule,
        ConnPoolHealthModule,
      ],
      providers: [Devices],
    });
    const { pool } = app.get(Devices);
    expect(pool).toBeInstanceOf(TcpPool);
    expect(app.get(PoolRegistry).get<TcpPool>('devices')).toBe(pool);
    await pool.use(remote.address, (conn) => conn.sendRecvPkg('a'));
    const health = await app.get(ConnPoolHealthIndicator).pingCheck('devices');
    expect(health.devices).toMatchObject({ status: 'up', idle: 1, leased: 0, max: 5 });
    await app.close();
    expect(pool.state).toBe('closed');
    await remote.abandoned();
  });

  it('without a name is the pool "default"', async () => {
    const app = await boot({ imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature(tcpPool())] });
    const pool = app.get(PoolRegistry).get<TcpPool>();
    expect(pool.stats()).toMatchObject({ name: 'default', max: 0, maxIdle: Infinity });
  });

  it('heeds defaults, its own options, and the operator, in this order', async () => {
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot({
          defaults: { max: 4, maxIdle: 3, min: 1, startup: 'wait', dialTimeout: '7s', acquireTimeout: 25 },
          pools: { devices: { max: 6 } },
        }),
        ConnPoolModule.forFeature(tcpPool({ name: 'devices', max: 5, maxIdle: 2, connectTimeout: '1s' })),
      ],
    });
    const pool = app.get(PoolRegistry).get<TcpPool>('devices');
    expect(pool.stats()).toMatchObject({ max: 6, maxIdle: 2, min: 0 });
    const { engine } = (pool as unknown as { sockets: { options: { engine: object } } }).sockets.options;
    expect(engine).toMatchObject({ dialTimeout: '1s', acquireTimeout: 25 });
  });

  it('keeps what only a TCP pool has', async () => {
    const remote = await peer();
    let asked = 0;
    const definition = tcpPool({
      name: 'devices',
      host: () => remote.address,
      heartbeat: () => (asked += 1),
      exhausted: 'wait',
    });
    const app = await boot({ imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature(definition)] });
    const pool = app.get(PoolRegistry).get<TcpPool>('devices');
    expect(String(await pool.use('nowhere.test:1', (conn) => conn.sendRecvPkg('a')))).toBe('a');
    expect(asked).toBeGreaterThan(0);
  });

  it('with bad options ends the boot', async () => {
    const bad = tcpPool({ name: 'devices', keepAlive: 'soon', order: 'random' } as object);
    const app = compile({ imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature(bad)] });
    const error = await rejection(app);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toMatch(/Pool "devices" has 2 bad options/);
  });

  it('can be made while the application runs', async () => {
    const app = await boot({ imports: [ConnPoolModule.forRoot()] });
    const registry = app.get(PoolRegistry);
    const pool = await registry.create(tcpPool({ name: 'late' }));
    expect(pool).toBeInstanceOf(TcpPool);
    await registry.remove('late');
    expect((pool as TcpPool).state).toBe('closed');
  });
});

describe('a TCP server in an application', () => {
  const { boot, compile } = applications();
  const { connect: dial } = loopback();

  const provide = (server: TcpServer) => ({ provide: TcpServer, useValue: server });

  it('listens when the application begins, and closes with it', async () => {
    const server = new TcpServer({ address: '127.0.0.1:0', handler: echoPackages });
    const app = await compile({ providers: [provide(server)] });
    expect(server.port).toBe(-1);
    await app.init();
    expect(server.port).toBeGreaterThan(0);
    const conn = await dial(server.address);
    expect(String(await inTime(conn.sendRecvPkg('a')))).toBe('a');
    await inTime(app.close());
    expect(server.port).toBe(-1);
    expect(await rejection(inTime(conn.recvPkg()))).toMatchObject({ code: 'ERR_EOF' });
  });

  it('may be made by a factory, with what the application provides', async () => {
    @Injectable()
    class Greeter {
      greet(name: string): string {
        return `hello ${name}`;
      }
    }

    const app = await boot({
      providers: [
        Greeter,
        {
          provide: 'GREETINGS',
          inject: [Greeter],
          useFactory: (greeter: Greeter) =>
            new TcpServer({
              address: '127.0.0.1:0',
              handler: async (conn) => {
                for await (const name of conn.lines()) await conn.send(`${greeter.greet(String(name))}\n`);
              },
            }),
        },
      ],
    });
    const conn = await dial(app.get<TcpServer>('GREETINGS').address);
    await conn.send('Ann\n');
    expect(String(await inTime(conn.recvLine()))).toBe('hello Ann');
  });

  it('that cannot listen ends the boot', async () => {
    const taken = await new TcpServer({ address: '127.0.0.1:0', handler: echoPackages }).listen();
    const app = await compile({
      providers: [provide(new TcpServer({ address: taken.address, handler: echoPackages }))],
    });
    expect(await rejection(app.init())).toMatchObject({ code: 'ERR_TCP_SERVER' });
    await taken.close();
  });

  it('closes before the pools do: what a handler has begun it can finish', async () => {
    const outer = await new TcpServer({ address: '127.0.0.1:0', handler: echoPackages }).listen();
    let go: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (go = resolve));

    @Injectable()
    class Proxy extends TcpServer {
      constructor(@InjectPool('outer') pool: TcpPool) {
        super({
          address: '127.0.0.1:0',
          handler: async (conn) => {
            for await (const data of conn.packages()) {
              await told;
              await conn.sendPkg(await pool.use(outer.address, (other) => other.sendRecvPkg(data)));
            }
          },
        });
      }
    }

    const app = await boot({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature(tcpPool({ name: 'outer' }))],
      providers: [Proxy],
    });
    const proxy = app.get(Proxy);
    const conn = await dial(proxy.address);
    const answer = conn.sendRecvPkg('late');
    await until(() => proxy.connections === 1);
    const closing = app.close();
    go();
    expect(String(await inTime(answer))).toBe('late');
    await inTime(closing);
    await outer.close();
  });

  it('and a pool that talks to it close together, without a wait', async () => {
    @Injectable()
    class Talker {
      constructor(
        @InjectPool('own') readonly pool: TcpPool,
        @Inject(TcpServer) readonly server: TcpServer,
      ) {}
    }

    const server = new TcpServer({ address: '127.0.0.1:0', handler: echoPackages, drain: '1h' });
    const app = await boot({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature(tcpPool({ name: 'own' }))],
      providers: [Talker, provide(server)],
    });
    const { pool } = app.get(Talker);
    await pool.use(server.address, (conn) => conn.sendRecvPkg('a'));
    expect(pool.stats().idle).toBe(1);
    await inTime(app.close());
    expect([pool.state, server.port]).toEqual(['closed', -1]);
  });
});
