import { Injectable, Module } from '@nestjs/common';
import { type ConnPool, ConnPoolModule, getPoolToken, InjectPool } from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from '../applications.js';

describe('named pools', () => {
  const { boot } = applications();

  it('have a token that is a string and names them', () => {
    expect(getPoolToken('thrift')).toBe('ConnPool(thrift)');
    expect(getPoolToken()).toBe('ConnPool(default)');
  });

  it('are told apart, in one module and across modules', async () => {
    @Injectable()
    class Left {
      constructor(
        @InjectPool('a') readonly a: ConnPool<FakeConn>,
        @InjectPool('b') readonly b: ConnPool<FakeConn>,
      ) {}
    }
    @Injectable()
    class Right {
      constructor(@InjectPool('c') readonly c: ConnPool<FakeConn>) {}
    }
    @Module({
      imports: [ConnPoolModule.forFeature({ name: 'c', connector: fakeConnector() })],
      providers: [Right],
    })
    class RightModule {}
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(
          { name: 'a', connector: fakeConnector() },
          { name: 'b', connector: fakeConnector() },
        ),
        RightModule,
      ],
      providers: [Left],
    });
    const { a, b } = app.get(Left);
    const { c } = app.get(Right, { strict: false });
    expect([a.name, b.name, c.name]).toEqual(['a', 'b', 'c']);
    expect(new Set([a, b, c]).size).toBe(3);
  });

  it('may be imported in two places when it is one registration', async () => {
    const feature = ConnPoolModule.forFeature({ name: 'shared', connector: fakeConnector() });
    @Injectable()
    class Service {
      constructor(@InjectPool('shared') readonly pool: ConnPool<FakeConn>) {}
    }
    @Module({ imports: [feature], providers: [Service] })
    class One {}
    @Module({ imports: [feature] })
    class Two {}
    const app = await boot({ imports: [ConnPoolModule.forRoot(), One, Two] });
    expect(app.get(Service, { strict: false }).pool.name).toBe('shared');
  });
});
