import { Injectable } from '@nestjs/common';
import {
  type ConnPool,
  ConnPoolModule,
  DEFAULT_POOL_NAME,
  getPoolToken,
  InjectPool,
  PoolRegistry,
} from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from '../applications.js';

describe('a pool without a name', () => {
  const { boot } = applications();

  it('is the pool "default" everywhere', async () => {
    @Injectable()
    class Service {
      @InjectPool() readonly property!: ConnPool<FakeConn>;
      constructor(@InjectPool() readonly parameter: ConnPool<FakeConn>) {}
    }
    const app = await boot({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector: fakeConnector() })],
      providers: [Service],
    });
    const { property, parameter } = app.get(Service);
    const registry = app.get(PoolRegistry);
    expect(parameter.name).toBe('default');
    expect(DEFAULT_POOL_NAME).toBe('default');
    for (const same of [
      property,
      registry.get(),
      registry.find(),
      registry.get('default'),
      app.get(getPoolToken()),
    ]) {
      expect(same).toBe(parameter);
    }
    expect(registry.has()).toBe(true);
    expect(registry.names()).toEqual(['default']);
  });

  it('is registered by forFeatureAsync, too', async () => {
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeatureAsync({ useFactory: () => ({ connector: fakeConnector() }) }),
      ],
    });
    expect(app.get<ConnPool<FakeConn>>(getPoolToken()).name).toBe('default');
  });
});
