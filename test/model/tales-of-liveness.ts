import type { Tales } from './tale.js';

/** What must not stay as it is, as a pool that has forgotten somebody would leave it. */
export const talesOfLiveness: Tales = {
  L1: [
    (tale) => {
      tale.waiter();
      tale.step();
    },
  ],
  L2: [
    (tale) => {
      tale.waiter();
      tale.seen.notes.happened.add('ended');
      tale.step();
    },
  ],
  L3: [
    (tale) => {
      tale.waiter();
      tale.seen.notes.happened.add('dialFailed');
      tale.step();
    },
    (tale) => {
      tale.seen.notes.hopeless.push(tale.waiter());
      tale.dial();
      tale.step();
    },
    (tale) => tale.refuse(tale.waiter(), 'ERR_DIAL', new Error('made up')),
  ],
  L4: [
    (tale) => {
      tale.seen.notes.hopelessBefore = tale.waiter().seq;
      tale.step();
    },
  ],
  L5: [
    (tale) => {
      tale.dial();
      tale.time += 101;
      tale.step();
    },
    (tale) => {
      tale.check(tale.idle());
      tale.time += 61;
      tale.step();
    },
  ],
  L6: [
    (tale) => {
      tale.waiter({ deadline: tale.time });
      tale.time += 2;
      tale.step({}, { refs: 1 });
    },
    (tale) => {
      tale.waiter({ deadline: tale.time + 100 });
      tale.step({}, { refs: 0 });
    },
  ],
  L7: [
    (tale) => tale.refuse(tale.waiter({ deadline: tale.time + 1 }), 'ERR_ACQUIRE_TIMEOUT'),
    (tale) => {
      tale.idle();
      tale.time += 10;
      tale.refuse(tale.waiter({ deadline: tale.time }), 'ERR_ACQUIRE_TIMEOUT');
    },
  ],
  L8: [
    (tale) => {
      tale.waiter();
      tale.dial();
      tale.idle();
      tale.step();
    },
  ],
  L9: [
    (tale) => {
      tale.waiter();
      tale.seen.notes.happened.add('resize');
      tale.step();
    },
    (tale) => tale.judge.at('quiet', { stats: tale.stats({ size: 3 }), unsettled: [] }),
  ],
  L10: [
    (tale) => tale.step({}, { refs: 1 }),
    (tale) => tale.closed({ size: 1 }),
    (tale) => tale.closed({ waiting: 1 }),
    (tale) => tale.closed({}, { timers: 1 }),
    (tale) => tale.closed({}, { listeners: 1 }),
    (tale) => {
      tale.idle().lose = () => undefined;
      tale.closed();
    },
  ],
  L11: [
    (tale) => {
      tale.lend(tale.idle());
      tale.seen.over = true;
      tale.seen.drainEnd = tale.time;
      tale.time += 1;
      tale.step();
    },
    (tale) => tale.closed({ state: 'draining' }),
    (tale) => tale.closed({}, { unsettled: ['heartbeat'] }),
  ],
  L12: [(tale) => tale.closed({}, { reports: [{}, {}] })],
  L13: [
    (tale) => {
      const conn = tale.idle();
      tale.time += 302;
      conn.usedAt = conn.soundAt = tale.time;
      tale.step();
    },
    (tale) => {
      tale.idle().soundAt += 152;
      tale.time += 152;
      tale.step();
    },
    (tale) => {
      const conn = tale.idle();
      tale.seen.notes.started = true;
      tale.time += 202;
      conn.usedAt = tale.time;
      tale.step();
    },
  ],
  L14: [
    (tale) => {
      tale.waiter();
      tale.judge.at('quiet', { stats: tale.stats(), unsettled: [] });
    },
    (tale) => tale.judge.at('quiet', { stats: tale.stats(), unsettled: ['warmUp'] }),
  ],
  L16: [
    (tale) => {
      const { notes } = tale.seen;
      notes.failedAt = tale.time;
      notes.retryAt = tale.time + 10;
      tale.judge.at('dial', tale.dial());
    },
  ],
  L19: [
    (tale) => {
      tale.seen.notes.keepsMin = true;
      tale.judge.at('quiet', { stats: tale.stats(), unsettled: [] });
    },
  ],
  L20: [
    (tale) => {
      tale.waiter();
      tale.seen.notes.happened.add('checkFailed');
      tale.step();
    },
  ],
};
