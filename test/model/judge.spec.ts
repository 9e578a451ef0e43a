import { CHECKS } from './judge.js';
import type { Call } from './records.js';
import { NO_CLOSES, Tale, type Tales } from './tale.js';
import { talesOfAccounting } from './tales-of-accounting.js';
import { talesOfLiveness } from './tales-of-liveness.js';
import { talesOfSafety } from './tales-of-safety.js';

const TALES: Tales = { ...talesOfSafety, ...talesOfLiveness, ...talesOfAccounting };

describe('the judge', () => {
  it('finds nothing wrong with what may be', () => {
    const tale = new Tale();
    const by = tale.waiter({ waited: false });
    tale.judge.at('dial', tale.dial());
    const conn = tale.idle(tale.seen.dials[0]);
    tale.grant(conn, by, false);
    by.state = 'granted';
    tale.seen.notes.bins.granted += 1;
    const held = tale.lease(conn, false);
    tale.seen.took(held);
    tale.step();
    tale.seen.nextStep();
    tale.seen.gaveBack(held);
    tale.step();
    tale.seen.nextStep();
    tale.seen.over = true;
    tale.close(conn, 'pool-closed');
    tale.seen.answered(conn.closing as Call, 'well');
    tale.step({ totals: { ...tale.stats().totals, closed: { ...NO_CLOSES, 'pool-closed': 1 } as never } });
    tale.closed();
    expect(tale.judge.wrongs).toEqual([]);
  });

  it('has a tale for each of its checks', () => {
    expect(Object.keys(TALES).sort()).toEqual(Object.keys(CHECKS).sort());
  });

  const tales = Object.entries(TALES).flatMap(([id, all]) => all.map((told, n) => ({ id, n: n + 1, told })));
  it.each(tales)('$id is broken ($n), and the judge says so', ({ id, told }) => {
    const tale = new Tale();
    told(tale);
    expect(tale.judge.wrongs.map((wrong) => wrong.split(' ', 1)[0])).toContain(id);
  });
});
