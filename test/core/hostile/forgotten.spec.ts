import { ConnPool, type Lease } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { garbageCollector } from '../garbage-collector.js';

describe('what has left the pool', () => {
  it.each([
    ['discarded', (lease: Lease<object>) => lease.discard()],
    ['worn out', (lease: Lease<object>) => lease.release()],
    ['detached', (lease: Lease<object>) => void lease.detach()],
  ])('is forgotten: %s', async (_how, end) => {
    const collect = garbageCollector();
    const pool = new ConnPool<object>(
      {
        dial: async () => ({}),
        close: async () => undefined,
        heartbeat: async () => undefined,
        watch: () => noop,
      },
      { clock: new FakeClock(), maxUses: 1, max: 2, leakThreshold: '1m' },
    );
    const gone: WeakRef<object>[] = [];
    for (let i = 0; i < 100; i++) {
      const lease = await pool.acquire();
      gone.push(new WeakRef(lease.conn));
      end(lease);
    }
    await collect();
    expect(gone.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5);
    await pool.close();
  });

  const noop = () => undefined;
});
