import { Injectable, Module } from '@nestjs/common';
import { type ConnPool, ConnPoolModule, InjectPool, PoolRegistry } from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from './applications.js';

@Injectable()
class UsesRegistry {
  constructor(readonly registry: PoolRegistry) {}
}

@Injectable()
class UsesPool {
  constructor(@InjectPool('thrift') readonly pool: ConnPool<FakeConn>) {}
}

@Module({ providers: [UsesRegistry] })
class ElsewhereModule {}

@Module({
  imports: [ConnPoolModule.forFeature({ name: 'thrift', connector: fakeConnector() })],
  providers: [UsesPool],
})
class FeatureModule {}

describe('isGlobal', () => {
  const { boot, compile } = applications();

  it('is true by default: the registry can be injected everywhere', async () => {
    const app = await boot({ imports: [ConnPoolModule.forRoot(), ElsewhereModule] });
    expect(app.get(UsesRegistry, { strict: false }).registry).toBe(app.get(PoolRegistry));
  });

  it.each([
    ['forRoot', () => ConnPoolModule.forRoot({ isGlobal: false })],
    ['forRootAsync', () => ConnPoolModule.forRootAsync({ isGlobal: false, useFactory: () => ({}) })],
  ])('false hides the registry elsewhere (%s)', async (_method, root) => {
    await expect(compile({ imports: [root(), ElsewhereModule] })).rejects.toThrow(/PoolRegistry/);
  });

  it('false leaves it to who imports the root, and features work all the same', async () => {
    const root = ConnPoolModule.forRoot({ isGlobal: false });
    const app = await boot({ imports: [root, FeatureModule], providers: [UsesRegistry] });
    const { registry } = app.get(UsesRegistry);
    expect(registry.get('thrift')).toBe(app.get(UsesPool, { strict: false }).pool);
  });
});
