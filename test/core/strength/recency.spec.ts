import { Connection } from '../../../lib/core/connection.js';
import { Recency } from '../../../lib/core/recency.js';

const keeper = { end: (): void => undefined, lose: (): void => undefined, seen: 0 };

describe('the connections that nobody holds', () => {
  it('are told the oldest idle one, also after one has gone and come again', () => {
    const recency = new Recency<string>();
    const [a, b, c] = [1, 2, 3].map((id) => new Connection<string>(id, 0, keeper)) as [
      Connection<string>,
      Connection<string>,
      Connection<string>,
    ];
    for (const one of [a, b, c]) {
      one.state = 'idle';
      recency.add(one);
    }
    recency.delete(a);
    recency.add(a);
    expect([recency.size, recency.oldestIdle()]).toEqual([3, b]);
    recency.delete(c);
    b.state = 'checking';
    expect(recency.oldestIdle()).toBe(a);
    a.state = 'checking';
    expect([recency.size, recency.oldestIdle()]).toEqual([2, undefined]);
  });

  it('let go of each other: none keeps those that were beside it when it left', () => {
    const recency = new Recency<string>();
    const all = [1, 2, 3].map((id) => new Connection<string>(id, 0, keeper));
    for (const one of all) recency.add(one);
    for (const one of all) recency.delete(one);
    expect(all.map(({ older, newer, resting }) => [older, newer, resting])).toEqual(
      all.map(() => [undefined, undefined, false]),
    );
  });
});
