// First seen in dd-trace-js#1923 (the time spent waiting for a connection is in no span and no metric) and
// opentelemetry-js-contrib#1976 (two pools of one process count into the same series).
import { ConnPoolModule, getPoolToken } from 'nestjs-conn-pool';
import type { ConnPool } from 'nestjs-conn-pool/core';
import { ConnPoolPrometheusModule } from 'nestjs-conn-pool/prometheus';
import { FakeClock, type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { Registry } from 'prom-client';
import { applications } from '../nest/applications.js';

describe('[B65] the wait for a connection', () => {
  const { boot } = applications();

  it('is measured, and in the series of its own pool only', async () => {
    const clock = new FakeClock();
    const registry = new Registry();
    const connector = fakeConnector({ clock });
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot({ defaults: { clock, max: 1 } }),
        ConnPoolModule.forFeature({ name: 'busy', connector }, { name: 'quiet', connector }),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    const busy = app.get<ConnPool<FakeConn>>(getPoolToken('busy'));
    await app.get<ConnPool<FakeConn>>(getPoolToken('quiet')).use(() => undefined);
    const lease = await busy.acquire();
    const waiter = busy.acquire();
    await clock.advance(700);
    lease.release();
    (await waiter).release();
    const text = await registry.metrics();
    const value = (series: string) =>
      Number(new RegExp(`^${series.replace(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1]);
    expect(value('conn_pool_wait_seconds_sum{pool="busy"}')).toBeCloseTo(0.7);
    expect(value('conn_pool_wait_seconds_bucket{le="0.5",pool="busy"}')).toBe(1);
    expect(value('conn_pool_wait_seconds_count{pool="busy"}')).toBe(2);
    expect(value('conn_pool_wait_seconds_sum{pool="quiet"}')).toBe(0);
    expect(value('conn_pool_wait_seconds_count{pool="quiet"}')).toBe(1);
  });
});
