import { ConnHub, memoryBackplane } from 'nestjs-conn-pool/hub';
import { boxAcrossInstances } from './box-across.js';
import { fleet, type Fleet } from './fleet.js';
import { BoxClient } from './told.js';
import { until } from './until.js';

describe('a box of instances over the memory backplane', () => {
  const open: Fleet[] = [];
  afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

  boxAcrossInstances(async (count, options) => {
    const backplane = memoryBackplane();
    const made = fleet(count, () => backplane, options);
    open.push(made);
    await Promise.all(made.hubs.map((hub) => hub.start()));
    return made;
  });

  it('numbers nothing before an instance is started, and then begins', async () => {
    const backplane = memoryBackplane();
    const hub = new ConnHub({ name: 'chat', node: 'early', backplane, box: {} });
    const fresh = await BoxClient.join(hub, 'ann');
    const asking = await BoxClient.join(hub, 'bob', { offset: 0 });
    expect([fresh.told, asking.told]).toEqual([[{ hub: {} }], [{ hub: { recovered: false } }]]);
    await expect(hub.push('ann', 'bare')).resolves.toEqual({ status: 'sent', connections: 1 });
    await expect(hub.push('cat', 'x')).resolves.toEqual({
      status: 'refused',
      connections: 0,
      reason: 'backplane',
    });
    await hub.start();
    await until(() => fresh.told.length === 3 && asking.told.length === 2);
    await hub.push('ann', 'numbered');
    expect(fresh.line.heard[1]).toBe('bare');
    expect([fresh.hellos[1], fresh.line.heard[3]]).toEqual([
      { epoch: expect.any(String) as string, offset: 0 },
      '{"offset":1,"data":"numbered"}',
    ]);
    await hub.close();
  });
});
