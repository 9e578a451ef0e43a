import { Injectable, Module, Optional } from '@nestjs/common';
import {
  type ConnPool,
  ConnPoolModule,
  DuplicatePoolError,
  DuplicateRootModuleError,
  getPoolToken,
  InjectPool,
  MissingRootModuleError,
} from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector, fakePool } from 'nestjs-conn-pool/testing';
import { applications, LogBook } from './applications.js';

const feature = (name: string) => ConnPoolModule.forFeature({ name, connector: fakeConnector() });

describe('a name that occurs twice', () => {
  const { compile } = applications();

  it('is refused across modules, with the names known', async () => {
    @Module({ imports: [feature('thrift')] })
    class One {}
    @Module({ imports: [feature('other'), feature('thrift')] })
    class Two {}
    const app = compile({ imports: [ConnPoolModule.forRoot(), One, Two] });
    await expect(app).rejects.toThrow(DuplicatePoolError);
    await expect(app).rejects.toThrow(/Pool "thrift" is registered twice \(known: .*"thrift"/);
  });

  it('is refused within one call', async () => {
    const twice = ConnPoolModule.forFeature(
      { name: 'thrift', connector: fakeConnector() },
      { name: 'thrift', connector: fakeConnector() },
    );
    await expect(compile({ imports: [ConnPoolModule.forRoot(), twice] })).rejects.toThrow(DuplicatePoolError);
  });

  it('is refused between forFeature and forFeatureAsync', async () => {
    const again = ConnPoolModule.forFeatureAsync({ useFactory: () => ({ connector: fakeConnector() }) });
    await expect(compile({ imports: [ConnPoolModule.forRoot(), feature('default'), again] })).rejects.toThrow(
      DuplicatePoolError,
    );
  });

  it('is refused before the second pool is made', async () => {
    const pool = () => {
      throw new Error('made');
    };
    const imports = [
      ConnPoolModule.forRoot(),
      feature('thrift'),
      ConnPoolModule.forFeature({ name: 'thrift', pool }),
    ];
    await expect(compile({ imports })).rejects.toThrow(DuplicatePoolError);
  });
});

describe('a name that nobody registers', () => {
  const { compile } = applications();

  it('is refused where it is injected, with the names known', async () => {
    @Injectable()
    class Service {
      constructor(@InjectPool('thrfit') readonly pool: ConnPool<FakeConn>) {}
    }
    const log = new LogBook();
    const imports = [ConnPoolModule.forRoot(), feature('thrift'), feature('cache')];
    await expect(compile({ imports, providers: [Service] }, { log })).rejects.toThrow(/ConnPool\(thrfit\)/);
    expect(log.ofPools('error')).toEqual([
      expect.stringContaining(
        'Service injects a pool: Pool "thrfit" is not registered (known: "thrift", "cache")',
      ),
    ]);
  });

  it('is refused as a property, in a controller of a deeper module', async () => {
    class Controller {
      @InjectPool('nowhere') readonly pool!: ConnPool<FakeConn>;
    }
    @Module({ controllers: [Controller] })
    class Deep {}
    @Module({ imports: [Deep] })
    class Outer {}
    const log = new LogBook();
    await expect(compile({ imports: [Outer, ConnPoolModule.forRoot()] }, { log })).rejects.toThrow(
      /ConnPool\(nowhere\)/,
    );
    expect(log.ofPools('error')).toEqual([
      expect.stringContaining(
        'Controller injects a pool: Pool "nowhere" is not registered (none is registered)',
      ),
    ]);
  });

  it('may be injected where it is optional', async () => {
    @Injectable()
    class Service {
      @Optional() @InjectPool('p') readonly property?: ConnPool<FakeConn>;
      constructor(@Optional() @InjectPool('q') readonly parameter?: ConnPool<FakeConn>) {}
    }
    const log = new LogBook();
    const app = await compile({ imports: [ConnPoolModule.forRoot()], providers: [Service] }, { log });
    expect(log.ofPools('error')).toEqual([]);
    expect(app.get(Service).property).toBeUndefined();
    expect(app.get(Service).parameter).toBeUndefined();
  });

  it('may be provided by the application itself', async () => {
    const pool = fakePool({});
    const app = await compile({
      imports: [ConnPoolModule.forRoot()],
      providers: [
        { provide: getPoolToken('own'), useValue: pool },
        { provide: 'user', useFactory: (own: unknown) => own, inject: [getPoolToken('own')] },
      ],
    });
    expect(app.get('user')).toBe(pool);
  });
});

describe('the root module', () => {
  const { compile, boot } = applications();

  it('is asked for by a feature without one', async () => {
    const app = compile({ imports: [feature('thrift')] });
    await expect(app).rejects.toThrow(MissingRootModuleError);
    await expect(app).rejects.toThrow(
      /Pool "thrift" .*Import ConnPoolModule\.forRoot\(\) in the root module/,
    );
    const late = ConnPoolModule.forFeatureAsync({
      name: 'late',
      useFactory: () => ({ connector: fakeConnector() }),
    });
    await expect(compile({ imports: [late] })).rejects.toThrow(MissingRootModuleError);
  });

  it('may not occur twice', async () => {
    @Module({ imports: [ConnPoolModule.forRoot()] })
    class Other {}
    await expect(compile({ imports: [ConnPoolModule.forRoot(), Other] })).rejects.toThrow(
      DuplicateRootModuleError,
    );
    const second = ConnPoolModule.forRootAsync({ useFactory: () => ({}) });
    await expect(compile({ imports: [ConnPoolModule.forRoot(), second] })).rejects.toThrow(
      'ConnPoolModule.forRoot() is imported more than once',
    );
  });

  it('may be imported in two places when it is one', async () => {
    const root = ConnPoolModule.forRoot();
    @Module({ imports: [root] })
    class Other {}
    await expect(boot({ imports: [root, Other, feature('thrift')] })).resolves.toBeDefined();
  });
});
