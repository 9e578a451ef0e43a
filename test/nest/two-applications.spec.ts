import { ConnPoolModule, PoolRegistry } from 'nestjs-conn-pool';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from './applications.js';

describe('two applications in one process', () => {
  const { boot } = applications();

  it('[X3] share nothing, though their modules are the same and their pools have the same name', async () => {
    const connector = fakeConnector();
    const imports = [
      ConnPoolModule.forRoot({ defaults: { max: 3 } }),
      ConnPoolModule.forFeature({ name: 'thrift', connector, min: 1, startup: 'wait' }),
    ];
    const one = await boot({ imports });
    const two = await boot({ imports });
    const [first, second] = [one.get(PoolRegistry), two.get(PoolRegistry)];
    expect(first).not.toBe(second);
    expect(first.get('thrift')).not.toBe(second.get('thrift'));
    await first.create({ name: 'extra', connector: fakeConnector() });
    expect(second.has('extra')).toBe(false);

    await one.close();
    expect(first.get('thrift').state).toBe('closed');
    expect(first.draining).toBe(true);
    expect(second.get('thrift').stats()).toMatchObject({ state: 'open', idle: 1 });
    expect(second.draining).toBe(false);
    await expect(second.get('thrift').use(() => 'served')).resolves.toBe('served');
    expect(connector.live).toHaveLength(1);
  });
});
