import { Inject, Injectable } from '@nestjs/common';
import { ConnPoolModule, getPoolToken, InjectPool, KeyedConnPool, PoolRegistry } from 'nestjs-conn-pool';
import { applications, LogBook } from '../applications.js';

interface Conn {
  readonly tenant: string;
  open: boolean;
}

@Injectable()
class Tenants {
  constructor(
    @InjectPool('tenants') readonly pool: KeyedConnPool<string, Conn>,
    @Inject(PoolRegistry) readonly registry: PoolRegistry,
  ) {}
}

describe('a pool by key', () => {
  const { boot } = applications();

  async function withTenants(log = new LogBook()) {
    const dialled: Conn[] = [];
    const connector = {
      dial: (tenant: string): Conn => {
        const conn = { tenant, open: true };
        dialled.push(conn);
        return conn;
      },
      close: (conn: Conn): void => void (conn.open = false),
    };
    const app = await boot(
      {
        imports: [
          ConnPoolModule.forRoot({ pools: { tenants: { max: 2 } } }),
          ConnPoolModule.forFeature({
            name: 'tenants',
            max: 5,
            pool: ({ name, options: { max } }) => new KeyedConnPool(connector, { name, max, maxPerKey: 1 }),
          }),
        ],
        providers: [Tenants],
      },
      { log },
    );
    return { app, log, dialled, tenants: app.get(Tenants) };
  }

  it('is registered by forFeature, and injected by its name', async () => {
    const { app, tenants, dialled } = await withTenants();
    const { pool, registry } = tenants;
    expect(pool).toBeInstanceOf(KeyedConnPool);
    expect([app.get(getPoolToken('tenants')), registry.get('tenants')]).toEqual([pool, pool]);
    expect(pool.name).toBe('tenants');
    for (const tenant of ['acme', 'zenith', 'acme']) {
      expect(await pool.use(tenant, (conn) => conn.tenant)).toBe(tenant);
    }
    expect(dialled.map(({ tenant }) => tenant)).toEqual(['acme', 'zenith']);
  });

  it('has the options that the application has settled, one ceiling for all keys', async () => {
    const { tenants, dialled } = await withTenants();
    const { pool } = tenants;
    expect(pool.stats()).toMatchObject({ max: 2 });
    for (const tenant of ['acme', 'zenith', 'umbra']) await pool.use(tenant, () => undefined);
    expect(pool.stats()).toMatchObject({ idle: 2, size: 2 });
    // The one unused for longest has made room.
    expect(dialled.map(({ open }) => open)).toEqual([false, true, true]);
  });

  it('is closed with the application, with the connections of every key', async () => {
    const { app, tenants, dialled, log } = await withTenants();
    for (const tenant of ['acme', 'zenith']) await tenants.pool.use(tenant, () => undefined);
    await app.close();
    expect([tenants.pool.state, dialled.map(({ open }) => open)]).toEqual(['closed', [false, false]]);
    expect(log.ofPools().at(-1)).toMatch(/"tenants" closed in .* 2 connections, 0 by force/);
  });
});
