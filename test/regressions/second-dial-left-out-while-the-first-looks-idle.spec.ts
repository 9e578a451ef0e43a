// First seen in HikariCP#452: nothing idle, minimumIdle 0, one thread that connects. Two callers ask for a connection
// each. When the second connect was to begin, the connection of the first still lay idle, so it was left out; then the
// first caller took what lay there, and the second waited for nothing.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R1] two callers, nothing idle, one dial at a time', () => {
  const make = poolsUnderTest();

  it.each(['ok', 'sync'] as const)('each gets a connection, when a dial answers %s', async (way) => {
    const { pool, connector, clock } = make({ min: 0, dialConcurrency: 1 });
    connector.dial.always(way);
    const callers = [follow(pool.acquire()), follow(pool.acquire())];
    await clock.settle();
    expect(callers.map(({ now }) => now.state)).toEqual(['resolved', 'resolved']);
    expect(connector.dial.count).toBe(2);
  });
});
