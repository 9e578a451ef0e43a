import { Injectable, type INestApplication, Module } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import {
  type ConnHub,
  ConnHubModule,
  DuplicateHubRootModuleError,
  getHubToken,
  HubClosedError,
  HubRegistry,
  InjectHub,
  MissingHubFactoryError,
  MissingHubRootModuleError,
  UnknownHubError,
} from 'nestjs-conn-pool/hub';
import { type WebSocket, WebSocketServer } from 'ws';
import { applications } from '../nest/applications.js';
import { Client } from './client.js';

describe('hubs in a Nest application', () => {
  const { boot, compile } = applications();

  it('[W1] are injected by their names, and are independent', async () => {
    @Injectable()
    class Gateway {
      @InjectHub('weixin-user') readonly property!: ConnHub;
      constructor(
        @InjectHub('weixin-user') readonly users: ConnHub,
        @InjectHub() readonly fallback: ConnHub,
      ) {}
    }
    const app = await boot({
      imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'weixin-user' }, {})],
      providers: [Gateway],
    });
    const { property, users, fallback } = app.get(Gateway);
    const registry = app.get(HubRegistry);
    expect([users.name, fallback.name, registry.names()]).toEqual([
      'weixin-user',
      'default',
      ['weixin-user', 'default'],
    ]);
    expect(property).toBe(users);
    expect(registry.get()).toBe(fallback);
    expect(app.get(getHubToken('weixin-user'))).toBe(users);
    expect(users).not.toBe(fallback);
    expect(users.node).not.toBe('');
  });

  it('[W1] may be registered late, and by whoever comes first: the same name is the same hub', async () => {
    const app = await boot({
      imports: [ConnHubModule.forRoot({ node: 'eu-1' }), ConnHubModule.forFeature({ name: 'early' })],
    });
    const registry = app.get(HubRegistry);
    const late = registry.register('late');
    expect(registry.register({ name: 'late', maxPerId: 3 })).toBe(late);
    expect(registry.register('early')).toBe(registry.get('early'));
    expect([late.node, late.state, registry.has('late'), registry.find('late') === late]).toEqual([
      'eu-1',
      'open',
      true,
      true,
    ]);
    await expect(late.push('nobody', 'x')).resolves.toMatchObject({ status: 'offline' });
    await registry.remove('late');
    expect([late.state, registry.has('late'), registry.find('late')]).toEqual(['closed', false, undefined]);
    expect(registry.register('late')).not.toBe(late);
  });

  it('[W1] that nobody registered are an error which names those that exist', async () => {
    const app = await boot({
      imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' })],
    });
    const registry = app.get(HubRegistry);
    const get = (): unknown => registry.get('chta');
    expect(get).toThrow(UnknownHubError);
    expect(get).toThrow('Hub "chta" is not registered (known: "chat")');
    await expect(registry.remove('chta')).rejects.toBeInstanceOf(UnknownHubError);
    expect(registry.find('chta')).toBeUndefined();
  });

  it('are registered in two modules and are one', async () => {
    @Module({ imports: [ConnHubModule.forFeature({ name: 'chat' })] })
    class Other {}
    const app = await boot({
      imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' }), Other],
    });
    expect(app.get(HubRegistry).names()).toEqual(['chat']);
  });

  it('have the defaults of the root, unless they say otherwise', async () => {
    const app = await boot({
      imports: [
        ConnHubModule.forRoot({ defaults: { maxMessageBytes: 3, delimiter: '!' } }),
        ConnHubModule.forFeature({ name: 'a' }, { name: 'b', maxMessageBytes: 4, delimiter: undefined }),
      ],
    });
    const registry = app.get(HubRegistry);
    await expect(registry.get('a').push('x', '1234')).rejects.toMatchObject({ maxMessageBytes: 3 });
    await expect(registry.get('b').push('x', '1234')).resolves.toMatchObject({ status: 'offline' });
    await expect(registry.register('c').push('x', '1234')).rejects.toMatchObject({ maxMessageBytes: 3 });
  });

  it('are made with what other providers give', async () => {
    @Injectable()
    class Options {
      createConnHubOptions() {
        return { node: 'from-class' };
      }
      createHubOptions() {
        return { maxMessageBytes: 5 };
      }
    }
    @Module({ providers: [Options], exports: [Options] })
    class OptionsModule {}
    const app = await boot({
      imports: [
        ConnHubModule.forRootAsync({ imports: [OptionsModule], useExisting: Options }),
        ConnHubModule.forFeatureAsync({ name: 'class', useClass: Options }),
        ConnHubModule.forFeatureAsync({
          imports: [OptionsModule],
          inject: [Options],
          useFactory: async (options: Options) => options.createHubOptions(),
        }),
      ],
    });
    const registry = app.get(HubRegistry);
    for (const name of ['class', 'default']) {
      expect(registry.get(name).node).toBe('from-class');
      await expect(registry.get(name).push('x', '123456')).rejects.toMatchObject({ maxMessageBytes: 5 });
    }
    expect(() => ConnHubModule.forRootAsync({})).toThrow(MissingHubFactoryError);
    expect(() => ConnHubModule.forFeatureAsync({ name: 'x' })).toThrow(MissingHubFactoryError);
  });

  it('do not begin with bad options, which are told all at once', async () => {
    const bad = { maxPerId: 0, drain: 'x' } as object;
    const error = (await boot({
      imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat', ...bad })],
    }).catch((thrown: unknown) => thrown)) as InvalidOptionsError;
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.problems.map(({ path }) => path).sort()).toEqual(['drain', 'maxPerId']);
    const named = ConnHubModule.forFeatureAsync({ name: 'x', useFactory: () => ({ name: 'y' }) as object });
    await expect(boot({ imports: [ConnHubModule.forRoot(), named] })).rejects.toThrow('name: got "y"');
    await expect(boot({ imports: [ConnHubModule.forRoot({ default: {} } as object)] })).rejects.toThrow(
      'default: no option of this name',
    );
  });

  it('need one root, and not two', async () => {
    await expect(compile({ imports: [ConnHubModule.forFeature({ name: 'chat' })] })).rejects.toThrow(
      MissingHubRootModuleError,
    );
    await expect(
      compile({ imports: [ConnHubModule.forRoot(), ConnHubModule.forRoot({ node: 'x' })] }),
    ).rejects.toThrow(DuplicateHubRootModuleError);
  });

  it('are not seen elsewhere with isGlobal: false, though their features work', async () => {
    @Injectable()
    class Service {
      constructor(readonly registry: HubRegistry) {}
    }
    @Module({ imports: [ConnHubModule.forFeature({ name: 'chat' })], providers: [Service] })
    class Feature {}
    await expect(compile({ imports: [ConnHubModule.forRoot({ isGlobal: false }), Feature] })).rejects.toThrow(
      'HubRegistry',
    );
    const app = await boot({ imports: [ConnHubModule.forRoot(), Feature] });
    expect(app.get(Service, { strict: false }).registry.names()).toEqual(['chat']);
  });

  describe('behind a server', () => {
    /** What a gateway is: `handleConnection(client, request)` for each connection. */
    @Injectable()
    class Gateway {
      constructor(@InjectHub('chat') readonly hub: ConnHub) {}
      handleConnection(client: WebSocket, request: IncomingMessage) {
        return this.hub.attach(client, request);
      }
    }

    async function serve(): Promise<{ app: INestApplication; url: string; hub: ConnHub }> {
      const module = await compile({
        imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' })],
        providers: [Gateway],
      });
      const app = module.createNestApplication();
      await app.listen(0, '127.0.0.1');
      const server = new WebSocketServer({ server: app.getHttpServer() as never });
      const gateway = app.get(Gateway);
      server.on('connection', (client, request) => void gateway.handleConnection(client, request));
      const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
      return { app, url: `ws://127.0.0.1:${port}`, hub: gateway.hub };
    }

    it('[W7] close their connections with 1001 before the server does, the last words said', async () => {
      const { app, url, hub } = await serve();
      const client = await Client.connect(`${url}/?id=ann`);
      await new Promise<void>((resolve) => {
        if (hub.has('ann')) resolve();
        else hub.events$.subscribe(() => resolve());
      });
      const pushed = hub.push('ann', 'good night');
      await app.close();
      await expect(pushed).resolves.toMatchObject({ status: 'sent' });
      expect(await client.isClosed()).toEqual({ code: 1001, reason: 'shutdown' });
      expect(client.heard).toEqual(['good night\n']);
      expect(hub.state).toBe('closed');
      expect(() => app.get(HubRegistry).register('late')).toThrow(HubClosedError);
    });
  });
});
