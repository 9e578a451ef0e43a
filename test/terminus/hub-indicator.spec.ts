import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import type { TestingModule } from '@nestjs/testing';
import { ConnPoolModule, MissingRootModuleError } from 'nestjs-conn-pool';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import {
  type Backplane,
  ConnHubModule,
  HubRegistry,
  memoryBackplane,
  MissingHubRootModuleError,
} from 'nestjs-conn-pool/hub';
import {
  ConnHubHealthIndicator,
  ConnPoolHealthIndicator,
  ConnPoolHealthModule,
} from 'nestjs-conn-pool/terminus';
import { applications } from '../nest/applications.js';

describe('the health of a hub', () => {
  const { boot } = applications();
  const hubs = (backplane?: Backplane): Promise<TestingModule> =>
    boot({
      imports: [
        ConnHubModule.forRoot({ backplane }),
        ConnHubModule.forFeature({ name: 'chat' }),
        TerminusModule,
        ConnPoolHealthModule,
      ],
    });

  /** One whose link never comes up. */
  const broken: Backplane = {
    kind: 'redis',
    link: (instance) => ({
      ...memoryBackplane().link(instance),
      start: async () => undefined,
      stop: async () => undefined,
      health: () => ({ kind: 'redis', state: 'down', error: 'connect redis://user:secret@10.0.0.5:6379' }),
    }),
  };

  it('is up, with what is connected and waits', async () => {
    const app = await hubs();
    const result = await app.get(ConnHubHealthIndicator).pingCheck('chat');
    expect(result).toEqual({ chat: { status: 'up', connections: 0, queuedMessages: 0, queuedBytes: 0 } });
    const other = await app.get(ConnHubHealthIndicator).pingCheck('push', { hub: 'chat', timeout: '2s' });
    expect(other).toMatchObject({ push: { status: 'up' } });
    const report = await app
      .get(HealthCheckService)
      .check([() => app.get(ConnHubHealthIndicator).pingCheck('chat')]);
    expect(report.status).toBe('ok');
  });

  it('tells of its backplane, and is down with its cause', async () => {
    const up = await hubs(memoryBackplane());
    expect(await up.get(ConnHubHealthIndicator).pingCheck('chat')).toMatchObject({
      chat: { status: 'up', backplane: { kind: 'memory', state: 'up' } },
    });
    const down = await hubs(broken);
    expect(await down.get(ConnHubHealthIndicator).pingCheck('chat')).toMatchObject({
      chat: {
        status: 'down',
        message:
          'Hub "chat" reaches this instance only: its backplane is down: connect redis://***@10.0.0.5:6379',
        cause: 'connect redis://***@10.0.0.5:6379',
        backplane: { state: 'down', error: 'connect redis://***@10.0.0.5:6379' },
      },
    });
  });

  it('is down when the hub is closed, or unknown', async () => {
    const app = await hubs();
    const indicator = app.get(ConnHubHealthIndicator);
    await app.get(HubRegistry).get('chat').close();
    expect(await indicator.pingCheck('chat')).toMatchObject({
      chat: { status: 'down', message: 'Hub "chat" is closed.' },
    });
    expect(await indicator.pingCheck('chta')).toMatchObject({
      chta: { status: 'down', message: expect.stringContaining('known: "chat"') as string },
    });
    await expect(indicator.pingCheck('chat', { timeout: 0 })).rejects.toBeInstanceOf(InvalidOptionsError);
  });

  it('can be had without pools, and that of pools without hubs', async () => {
    const withoutPools = await hubs();
    await expect(withoutPools.get(ConnPoolHealthIndicator).checkAll()).rejects.toBeInstanceOf(
      MissingRootModuleError,
    );
    const withoutHubs = await boot({
      imports: [ConnPoolModule.forRoot(), TerminusModule, ConnPoolHealthModule],
    });
    await expect(withoutHubs.get(ConnHubHealthIndicator).pingCheck('chat')).rejects.toBeInstanceOf(
      MissingHubRootModuleError,
    );
  });
});
