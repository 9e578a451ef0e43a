import type { PoolRegistry } from 'nestjs-conn-pool';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { garbageCollector } from '../core/garbage-collector.js';

/** How many of two pools that were made, used and removed are still held by somebody. */
export async function heldAfterRemoval(pools: PoolRegistry): Promise<number> {
  const collectGarbage = garbageCollector();
  const passing = async (name: string): Promise<WeakRef<object>> => {
    const pool = await pools.create({ name, connector: fakeConnector() });
    await pool.use(() => 1);
    await pools.remove(name);
    return new WeakRef(pool);
  };
  const removed = [await passing('one'), await passing('other')];
  await collectGarbage();
  return removed.filter((pool) => pool.deref() !== undefined).length;
}
