import { Injectable, Module } from '@nestjs/common';
import { ConnPoolModule, InvalidRootOptionsError } from 'nestjs-conn-pool';
import {
  ConnPoolDashboardModule,
  type ConnPoolDashboardModuleOptions,
  type ConnPoolDashboardOptionsFactory,
  type ConnPoolDashboardRootOptions,
  MissingDashboardFactoryError,
  NothingToShowError,
  UnguardedDashboardError,
} from 'nestjs-conn-pool/dashboard';
import { resolveDashboardOptions } from '../../lib/dashboard/dashboard-options.js';
import { applications } from '../nest/applications.js';
import { House } from './house.js';

const { boot } = applications();

class Doorman {
  canActivate(): boolean {
    return false;
  }
}

const withPools = (dashboard: ConnPoolDashboardRootOptions) =>
  boot({ imports: [ConnPoolModule.forRoot(), ConnPoolDashboardModule.forRoot(dashboard)] });

describe('a dashboard in production', () => {
  const given = process.env.NODE_ENV;
  beforeEach(() => void (process.env.NODE_ENV = 'production'));
  afterEach(() => void (process.env.NODE_ENV = given));

  it('refuses to begin without guards, and says what to do', async () => {
    const refused = withPools({ path: 'ops/pools' });
    await expect(refused).rejects.toBeInstanceOf(UnguardedDashboardError);
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_UNGUARDED_DASHBOARD',
      path: 'ops/pools',
      message: expect.stringMatching(/"ops\/pools" has no guards.*"unguarded: true".*"enabled: false"/),
    });
  });

  it('begins with guards, when told that something else keeps strangers out, and when it is not enabled', async () => {
    await withPools({ guards: [Doorman] });
    await withPools({ unguarded: true });
    await withPools({ enabled: false });
  });

  it('is as strict with options that a factory makes', async () => {
    const imports = [
      ConnPoolModule.forRoot(),
      ConnPoolDashboardModule.forRootAsync({ useFactory: () => ({}) }),
    ];
    await expect(boot({ imports })).rejects.toBeInstanceOf(UnguardedDashboardError);
  });
});

describe('the options of a dashboard', () => {
  it('have these defaults', () => {
    expect(resolveDashboardOptions(undefined, {})).toEqual({
      title: 'Connections',
      interval: 500,
      actions: [],
      enabled: true,
      hosts: [],
    });
    expect(resolveDashboardOptions(undefined, { guards: [Doorman] }).hosts).toBeUndefined();
  });

  it('are all checked at once', async () => {
    const bad = {
      title: ' ',
      interval: '50ms',
      actions: ['pause', 'explode'],
      unguarded: 1,
      enabled: 'no',
      hosts: ['ops.example:8080'],
      gaurds: [],
    } as unknown as ConnPoolDashboardRootOptions;
    const refused = withPools(bad);
    await expect(refused).rejects.toBeInstanceOf(InvalidRootOptionsError);
    await expect(refused).rejects.toMatchObject({
      message: expect.stringMatching(/^ConnPoolDashboardModule has 7 bad values:/),
      problems: ['gaurds', 'title', 'interval', 'actions', 'unguarded', 'enabled', 'hosts'].map((path) =>
        expect.objectContaining({ path }),
      ),
    });
  });

  it.each([
    ['false', false, []],
    ['true', true, ['heartbeat', 'close-idle', 'evict-all', 'resize', 'pause', 'resume']],
    ['a list', ['resize'], ['resize']],
  ] as const)('allow the actions that they name: %s', (_name, actions, allowed) => {
    expect(resolveDashboardOptions({ actions }, {}).actions).toEqual(allowed);
  });

  it.each(['ops.example:8080', 'https://ops.example', 'ops.example/pools', '', ' ', 'not a name', 7])(
    'refuse hosts that are no names: %j',
    (name) => {
      const hosts = [name] as string[];
      expect(() => resolveDashboardOptions({ hosts }, {})).toThrow(InvalidRootOptionsError);
    },
  );

  it('can be made by a factory, a class made for it, and one that is there', async () => {
    @Injectable()
    class Titles implements ConnPoolDashboardOptionsFactory {
      createConnPoolDashboardOptions(): ConnPoolDashboardModuleOptions {
        return { title: 'From a class' };
      }
    }
    @Module({ providers: [Titles], exports: [Titles] })
    class TitlesModule {}
    const house = await House.open({
      imports: [
        ConnPoolDashboardModule.forRootAsync({
          path: 'one',
          imports: [TitlesModule],
          inject: [Titles],
          useFactory: (titles: Titles) => titles.createConnPoolDashboardOptions(),
        }),
        ConnPoolDashboardModule.forRootAsync({ path: 'two', useClass: Titles }),
        ConnPoolDashboardModule.forRootAsync({ path: 'three', imports: [TitlesModule], useExisting: Titles }),
      ],
    });
    for (const path of ['one', 'two', 'three'])
      expect(await (await fetch(`${house.url}/${path}`)).text()).toContain('<h1>From a class</h1>');
    await house.close();
  });

  it('must be made somehow', () => {
    expect(() => ConnPoolDashboardModule.forRootAsync({})).toThrow(MissingDashboardFactoryError);
  });

  it('that disable it leave nothing at its addresses', async () => {
    const house = await House.open({ dashboard: { enabled: false, actions: true } });
    expect((await fetch(`${house.url}/conn-pool`)).status).toBe(404);
    expect((await fetch(`${house.url}/conn-pool/stream`)).status).toBe(404);
    expect((await house.post('do=pause&pool=echo', {})).status).toBe(404);
    await house.close();
  });
});

describe('a dashboard without pools and hubs', () => {
  it('says what is missing', async () => {
    await expect(boot({ imports: [ConnPoolDashboardModule.forRoot()] })).rejects.toBeInstanceOf(
      NothingToShowError,
    );
  });
});
