import type { Tale, Tales } from './tale.js';

/** What must not be told, as a pool that cannot count would tell it. */
export const talesOfAccounting: Tales = {
  M1: [
    (tale) => tale.step({ waiting: 1 }),
    (tale) => {
      tale.seen.notes.bins.aborted += 1;
      tale.step();
    },
    (tale) => {
      tale.waiter({ state: 'rejected' });
      tale.closed();
    },
  ],
  M2: [
    ...(
      ['max-uses', 'heartbeat-failed', 'reset-failed', 'lost', 'discarded', 'surplus', 'evicted'] as const
    ).map((reason) => (tale: Tale) => tale.close(tale.idle(), reason)),
    (tale) => tale.close(tale.idle(), 'pool-closed'),
    (tale) => tale.close(tale.idle(), 'forced'),
    (tale) => {
      tale.close(tale.idle(), 'surplus');
      tale.time += 60;
      tale.step();
    },
  ],
  M3: [
    (tale) => {
      tale.seen.answered(tale.dial(), 'badly');
      const { totals } = tale.stats();
      tale.step({ totals: { ...totals, dialFailures: 0 } });
    },
    ...(
      ['dialed', 'dialFailures', 'heartbeats', 'heartbeatFailures', 'lost', 'reused', 'detached'] as const
    ).map((count) => (tale: Tale) => {
      const { totals } = tale.stats();
      tale.step({ totals: { ...totals, [count]: 1 } });
    }),
    (tale) => {
      const conn = tale.idle();
      tale.seen.nextStep();
      tale.seen.nextStep();
      tale.grant(conn, undefined, false);
    },
    (tale) => {
      const conn = tale.idle();
      conn.grants = 1;
      tale.grant(conn, undefined, false);
    },
  ],
  M4: [
    (tale) => tale.event({ type: 'leak', id: 1 }),
    (tale) => {
      tale.lend(tale.idle());
      tale.time += 99;
      tale.event({ type: 'leak', id: 1 });
    },
    (tale) => {
      tale.lend(tale.idle()).leaked = true;
      tale.time += 100;
      tale.event({ type: 'leak', id: 1 });
    },
    (tale) => {
      tale.seen.gaveBack(tale.lend(tale.idle()));
      tale.event({ type: 'leak-returned', id: 1 });
    },
    (tale) => {
      tale.lend(tale.idle());
      tale.time += 102;
      tale.step();
    },
    (tale) => {
      const { totals } = tale.stats();
      tale.step({ totals: { ...totals, leaks: 1 } });
    },
  ],
};
