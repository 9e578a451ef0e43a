import { get } from 'node:http';
import type { Socket } from 'node:net';
import { jest } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  RequestMethod,
  VersioningType,
} from '@nestjs/common';
import { map } from 'rxjs';
import { PoolRegistry } from 'nestjs-conn-pool';
import { ConnHubModule, HubRegistry } from 'nestjs-conn-pool/hub';
import { ConnPoolDashboardModule } from 'nestjs-conn-pool/dashboard';
import { eventsOf } from '../../lib/core/pool-events.js';
import { DashboardFeed } from '../../lib/dashboard/dashboard-feed.js';
import { until } from '../nest/until.js';
import { ADAPTERS, House, type HouseOptions, poolIn } from './house.js';
import { StreamReader } from './stream-reader.js';

jest.setTimeout(30_000);

@Injectable()
class Doorman implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    return headers.password === 'swordfish';
  }
}

class Porter implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

class WrapsEverything implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

describe.each(ADAPTERS)('a dashboard on %s', (_name, adapter) => {
  let house: House;
  afterEach(() => house.close());

  async function open(options: HouseOptions = {}): Promise<void> {
    house = await House.open({ adapter, ...options });
  }

  it('is one document that asks nobody else for anything, under a policy without unsafe-inline', async () => {
    await open();
    const response = await fetch(`${house.url}/conn-pool`);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const policy = response.headers.get('content-security-policy') ?? '';
    const [, nonce = 'none'] = /script-src 'nonce-([\w-]{20,})';/.exec(policy) ?? [];
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    const tags = Array.from(text.matchAll(/<(?:script|style)\b[^>]*>/g), ([tag]) => tag);
    expect(tags).toHaveLength(3);
    expect(tags.filter((tag) => !tag.includes(`nonce="${nonce}"`))).toEqual([]);
    expect(text).not.toMatch(/\b(?:src|href)="(?!data:|#)/);
    expect(text).toContain('Copyright (c) 2022 Leon Sorokin');
    const again = await fetch(`${house.url}/conn-pool`);
    expect(again.headers.get('content-security-policy')).not.toBe(policy);
  });

  it('shows its title as text', async () => {
    await open({ dashboard: { title: '<script>"it"</script> & $& {{nonce}}' } });
    const text = await (await fetch(`${house.url}/conn-pool`)).text();
    expect(text).toContain('<h1>&#60;script&#62;&#34;it&#34;&#60;/script&#62; &#38; $&#38; ');
  });

  it('streams every pool and hub: first who it is, then what there is, and again when that changes', async () => {
    await open({ imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' })] });
    const reader = await house.watch();
    expect(reader.status).toBe(200);
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
    });
    expect((await reader.next('hello')).data).toMatchObject({
      title: 'Connections',
      pid: process.pid,
      interval: 100,
    });
    expect((reader.messages[0] ?? {}).type).toBe('hello');
    const first = await reader.next('snapshot');
    expect(poolIn(first)).toMatchObject({ leased: 0, waiting: 0, max: 2, mood: 'ok', rows: [] });
    expect(first.data).toMatchObject({ hubs: [{ name: 'chat', connections: 0, mood: 'up' }] });
    const lease = await house.pool.acquire();
    const busy = poolIn(await reader.next('snapshot', (message) => poolIn(message).leased === 1));
    expect(busy.rows).toMatchObject([
      { id: lease.id, state: 'leased', stack: expect.stringContaining('server.spec') },
    ]);
    lease.release();
    await reader.next('snapshot', (message) => poolIn(message).rows?.[0]?.state === 'idle');
  });

  it('tells events as they happen, and names neither client nor credential', async () => {
    await open({ imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' })] });
    const reader = await house.watch();
    await reader.next('snapshot');
    house.connector.dial.always({ fail: new Error('cannot reach redis://user:secret@10.0.0.1') });
    await expect(house.pool.acquire({ timeout: 50 })).rejects.toThrow();
    const { data } = await reader.next('news');
    expect(data).toMatchObject({
      items: [
        {
          of: 'pool',
          name: 'echo',
          type: 'dial-failed',
          level: 'bad',
          text: expect.stringContaining('redis://***@10.0.0.1'),
        },
      ],
      skipped: 0,
    });
    const failing = await reader.next('snapshot', (message) => poolIn(message).mood === 'failing');
    expect(poolIn(failing).trouble).toContain('cannot reach');
    expect(JSON.stringify(reader.messages)).not.toContain('secret');
  });

  it('is found under a global prefix, and whatever the versioning', async () => {
    await open({
      dashboard: { path: 'ops/pools' },
      prepare: (app) => {
        app.setGlobalPrefix('api', { exclude: [{ path: 'health', method: RequestMethod.GET }] });
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '3' });
      },
    });
    expect((await fetch(`${house.url}/api/ops/pools`)).status).toBe(200);
    const reader = await house.watch('/api/ops/pools');
    expect(poolIn(await reader.next('snapshot')).name).toBe('echo');
    expect((await fetch(`${house.url}/ops/pools`)).status).toBe(404);
  });

  it('lets guards decide about all of it', async () => {
    await open({ dashboard: { guards: [Doorman], actions: true } });
    for (const path of ['', '/stream']) {
      expect({ path, status: (await fetch(`${house.url}/conn-pool${path}`)).status }).toEqual({
        path,
        status: 403,
      });
    }
    expect((await house.post('do=pause&pool=echo', {})).message).toBe('Forbidden resource');
    const password = { password: 'swordfish' };
    expect((await fetch(`${house.url}/conn-pool`, { headers: password })).status).toBe(200);
    const reader = await StreamReader.open(`${house.url}/conn-pool/stream`, password);
    await reader.next('snapshot');
    reader.close();
  });

  it('gives guards what they inject, from its imports', async () => {
    @Injectable()
    class Passwords {
      readonly right = 'swordfish';
    }
    @Module({ providers: [Passwords], exports: [Passwords] })
    class PasswordsModule {}
    @Injectable()
    class Janitor extends Doorman {
      constructor(readonly passwords: Passwords) {
        super();
      }
    }
    await open({ dashboard: { guards: [Janitor], imports: [PasswordsModule] } });
    const response = await fetch(`${house.url}/conn-pool`, { headers: { password: 'swordfish' } });
    expect(response.status).toBe(200);
  });

  it('is not wrapped by what wraps the answers of the application', async () => {
    await open({ prepare: (app) => app.useGlobalInterceptors(new WrapsEverything()) });
    expect(await (await fetch(`${house.url}/conn-pool`)).text()).toMatch(/^<!doctype html>/);
    await (await house.watch()).next('snapshot');
  });

  it('cannot be read from another site, though the application lets all its routes be', async () => {
    await open({ prepare: (app) => app.enableCors({ origin: true, credentials: true }) });
    const theirs = { origin: 'https://theirs.example', 'sec-fetch-site': 'cross-site' };
    const refused = await fetch(`${house.url}/conn-pool/stream`, { headers: theirs });
    expect(refused.status).toBe(403);
    const old = await fetch(`${house.url}/conn-pool/stream`, {
      headers: { origin: 'https://theirs.example' },
    });
    expect(old.status).toBe(403);
    const page = await fetch(`${house.url}/conn-pool`, { headers: theirs });
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
  });

  /** What is answered to a page, its stream and an action. */
  async function statusesAs(host: string): Promise<(number | undefined)[]> {
    const headers = { origin: `http://${host}` };
    const answers = [
      await house.askAs(host, '/conn-pool', { headers }),
      await house.askAs(host, '/conn-pool/stream', { headers }),
      await house.askAs(host, '/conn-pool/actions?do=pause&pool=echo', { headers, method: 'POST' }),
    ];
    return answers.map(({ status }) => status);
  }
  const SERVED = [200, 200, 403];
  const REFUSED = [403, 403, 403];

  it('has no names but its own where no guard decides: a stranger’s may have been pointed at it', async () => {
    await open({ dashboard: { actions: true, hosts: ['ops.example', 'Pools'] } });
    expect(await statusesAs(`evil.example:${house.port}`)).toEqual(REFUSED);
    expect(await statusesAs('ops.example.evil.example')).toEqual(REFUSED);
    expect(await statusesAs('127.0.0.1.evil.example')).toEqual(REFUSED);
    expect(await statusesAs('not a name')).toEqual(REFUSED);
    const own = ['ops.example', 'ops.example:8080', 'pools', 'localhost:1', 'my.localhost', '[::1]:3000'];
    for (const host of [...own, '10.0.0.7'])
      expect({ host, is: await statusesAs(host) }).toEqual({ host, is: SERVED });
  });

  it('says what to do about a name that it does not know, to which it gives no token', async () => {
    await open({ dashboard: { actions: true } });
    const { token } = (await (await house.watch()).next('hello')).data as { token: string };
    const refused = await house.askAs('ops.example:3000', '/conn-pool/actions?do=pause&pool=echo', {
      headers: { 'x-conn-pool-token': token },
      method: 'POST',
    });
    expect(refused.status).toBe(403);
    expect(refused.text).toMatch(/no guards.*IP address.*localhost.*"hosts\\".*"ops\.example:3000\\"/);
    expect(house.pool.state).toBe('open');
  });

  it('leaves names to guards, unless it is told some', async () => {
    await open({
      dashboard: { guards: [Porter] },
      imports: [
        ConnPoolDashboardModule.forRoot({ path: 'strict', guards: [Porter], hosts: ['ops.example'] }),
      ],
    });
    expect((await statusesAs('any.example')).slice(0, 2)).toEqual([200, 200]);
    expect((await house.askAs('any.example', '/strict')).status).toBe(403);
    expect((await house.askAs('ops.example', '/strict')).status).toBe(200);
  });

  it('looks once for all viewers, and not at all for none', async () => {
    await open();
    const stats = jest.spyOn(house.pool, 'stats');
    const events = eventsOf(house.pool);
    const before = events?.wants('leak');
    const [one, two] = [await house.watch(), await house.watch()];
    const seen = async (reader: StreamReader) => (await reader.next('snapshot')).data;
    await seen(two);
    for (let look = 0; look < 4; look += 1) {
      const { at } = (await seen(two)) as { at: number };
      await one.next('snapshot', ({ data }) => (data as { at: number }).at === at);
    }
    one.close();
    await two.next('snapshot');
    two.close();
    const feed = house.app.get(DashboardFeed, { strict: false });
    await until(() => feed.size === 0);
    const { length } = stats.mock.calls;
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(stats.mock.calls).toHaveLength(length);
    expect(events?.wants('leak')).toBe(before);
    await (await house.watch()).next('snapshot');
    expect(stats.mock.calls.length).toBeGreaterThan(length);
  });

  it('admits nobody who has gone while a guard made up its mind', async () => {
    const asked: (() => void)[] = [];
    const hesitates = { canActivate: () => new Promise<boolean>((yes) => asked.push(() => yes(true))) };
    await open({ dashboard: { guards: [hesitates] } });
    let lost = 0;
    house.app.getHttpServer().on('connection', (socket: Socket) => socket.once('close', () => (lost += 1)));
    const requests = Array.from({ length: 3 }, () => get(`${house.url}/conn-pool/stream`, { agent: false }));
    for (const request of requests) request.on('error', () => undefined);
    await until(() => asked.length === 3);
    for (const request of requests) request.destroy();
    await until(() => lost === 3);
    const stats = jest.spyOn(house.pool, 'stats');
    for (const answer of asked) answer();
    // One that comes later is admitted later.
    const watching = house.watch();
    await until(() => asked.length === 4);
    const feed = house.app.get(DashboardFeed, { strict: false });
    const before = { viewers: feed.size, looks: stats.mock.calls.length };
    asked[3]?.();
    await (await watching).next('snapshot');
    expect(before).toEqual({ viewers: 0, looks: 0 });
    expect(feed.size).toBe(1);
  });

  it('begins a new viewer’s charts and log with what the others have seen', async () => {
    await open();
    const one = await house.watch();
    (await house.pool.acquire()).release();
    await one.next('news');
    await one.next('point');
    const { data } = await (await house.watch()).next('hello');
    expect(data).toMatchObject({ news: [{ type: 'dialed' }] });
    const { points } = data as { points: { pools: Record<string, object> }[] };
    expect(points.at(-1)?.pools.echo).toMatchObject({
      measured: true,
      waiting: 0,
      max: 2,
      dial: { p50: expect.any(Number) },
    });
  });

  it('shows pools that come and go, and one that cannot be looked at', async () => {
    await open();
    const registry = house.app.get(PoolRegistry);
    const reader = await house.watch();
    await reader.next('snapshot');
    const rogue = await registry.create({ name: 'rogue', connector: house.connector });
    await reader.next('snapshot', (message) => namesIn(message.data).includes('rogue'));
    rogue.stats = () => {
      throw new Error('out of order');
    };
    const broken = await reader.next('snapshot', (message) => poolIn(message, 'rogue').failed !== undefined);
    expect(poolIn(broken, 'rogue')).toEqual({ name: 'rogue', failed: 'out of order' });
    expect(poolIn(broken)).toMatchObject({ mood: 'ok' });
    await registry.remove('rogue');
    await reader.next('snapshot', (message) => !namesIn(message.data).includes('rogue'));
  });

  it('leaves out what a viewer is too slow for, and queues nothing', async () => {
    await open();
    const registry = house.app.get(PoolRegistry);
    // Snapshots of some weight.
    for (let count = 0; count < 100; count += 1)
      await registry.create({ name: `pool ${count} ${'x'.repeat(4000)}`, connector: house.connector });
    const feed = house.app.get(DashboardFeed, { strict: false });
    const [slow, quick] = [await house.watch(), await house.watch()];
    slow.stall();
    const heaviest = () => Math.max(...[...viewersOf(feed)].map(({ response }) => response.writableLength));
    let most = 0;
    await until(() => heaviest() > 0);
    for (let look = 0; look < 15; look += 1) {
      await quick.next('snapshot');
      most = Math.max(most, heaviest());
    }
    const { length } = JSON.stringify(quick.messages.at(-1));
    expect(most).toBeLessThan(256 * 1024 + 2 * length);
    expect(feed.size).toBe(2);
  });

  it('lets no viewer that has stopped reading hold up the end of the application', async () => {
    await open();
    await house.app.get(PoolRegistry).create({ name: 'x'.repeat(100_000), connector: house.connector });
    const feed = house.app.get(DashboardFeed, { strict: false });
    (await house.watch()).stall();
    await until(() => [...viewersOf(feed)].some(({ response }) => response.writableLength > 0));
    const begun = performance.now();
    await house.app.close();
    expect(performance.now() - begun).toBeLessThan(3000);
  });

  it('ends its streams with the application, which ends at once', async () => {
    await open();
    const readers = await Promise.all([house.watch(), house.watch(), house.watch()]);
    for (const reader of readers) await reader.next('snapshot');
    const begun = performance.now();
    await house.app.close();
    // Without the good-bye it would not end at all, or only after the server's keep-alive of five seconds.
    expect(performance.now() - begun).toBeLessThan(3000);
    for (const reader of readers) {
      await reader.ended;
      expect(reader.messages.at(-1)?.type).toBe('bye');
    }
  });
});

describe('the charts of a dashboard', () => {
  it('have something to draw at every point, however rare looks are', async () => {
    const house = await House.open({ dashboard: { interval: '2100ms' } });
    const reader = await house.watch();
    const { course, points } = (await reader.next('hello')).data as {
      course: { every: number };
      points: { pools: object }[];
    };
    expect(course.every).toBe(2100);
    const next = (await reader.next('point')).data as { pools: object };
    for (const { pools } of [...points, next]) expect(Object.keys(pools)).toEqual(['echo']);
    await house.close();
  });

  it('have a point every two seconds or so, with what all looks have shown', async () => {
    const house = await House.open({ dashboard: { interval: 300 } });
    const { course } = (await (await house.watch()).next('hello')).data as { course: { every: number } };
    expect(course.every).toBe(2100);
    await house.close();
  });
});

describe('the hubs of a dashboard', () => {
  it('are shown with nobody’s name', async () => {
    const house = await House.open({
      imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' })],
    });
    const reader = await house.watch();
    await reader.next('snapshot');
    const { PassThrough } = await import('node:stream');
    house.app.get(HubRegistry).get('chat').add('ann', new PassThrough());
    await reader.next(
      'snapshot',
      ({ data }) => (data as { hubs: { connections: number }[] }).hubs[0]?.connections === 1,
    );
    expect((await reader.next('news')).data).toMatchObject({
      items: [{ of: 'hub', name: 'chat', type: 'joined' }],
    });
    expect(JSON.stringify(reader.messages)).not.toContain('ann');
    await house.close();
  });
});

describe('two dashboards in one application', () => {
  it('do not know of each other', async () => {
    const house = await House.open({
      imports: [ConnPoolDashboardModule.forRoot({ path: 'second', title: 'Second', guards: [Doorman] })],
    });
    expect((await fetch(`${house.url}/conn-pool`)).status).toBe(200);
    expect((await fetch(`${house.url}/second`)).status).toBe(403);
    const second = await fetch(`${house.url}/second`, { headers: { password: 'swordfish' } });
    expect(await second.text()).toContain('<h1>Second</h1>');
    await house.close();
  });
});

function namesIn(data: unknown): string[] {
  return (data as { pools: { name: string }[] }).pools.map(({ name }) => name);
}

function viewersOf(feed: DashboardFeed): Set<{ response: { writableLength: number } }> {
  return (feed as unknown as { viewers: Set<{ response: { writableLength: number } }> }).viewers;
}
