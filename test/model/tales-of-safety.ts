import type { Conn } from './records.js';
import { Tale, type Tales } from './tale.js';

/** What must never be, as a pool that is not safe would have it. */
export const talesOfSafety: Tales = {
  S1: [
    (tale) => {
      tale.idle();
      tale.idle();
      tale.judge.at('dial', tale.dial());
    },
    (tale) => tale.judge.at('instant', { stats: tale.stats({ size: 3, idle: 3 }) }),
  ],
  S2: [
    (tale) => tale.step({ idle: 1, size: 1 }),
    (tale) => {
      tale.idle();
      tale.step({}, { rows: [{ id: 1, state: 'leased', age: 0, idle: 0, uses: 0 }] });
    },
    (tale) => {
      const conn = tale.idle();
      tale.lend(conn);
      tale.grant(conn);
    },
    (tale) => {
      const held = tale.lend(tale.idle());
      Object.assign(held.lease, { active: false });
      tale.step();
    },
  ],
  S3: [
    (tale) => tale.grant(tale.idle(), tale.waiter({ state: 'granted' })),
    (tale) => tale.refuse(tale.waiter({ state: 'rejected' }), 'ERR_DIAL'),
    (tale) => {
      tale.waiter();
      tale.closed();
    },
  ],
  S4: [(tale) => tale.step({ leased: 1, size: 1 })],
  S5: [
    (tale) => {
      const conn = tale.idle();
      tale.close(conn);
      tale.close(conn);
    },
    (tale) => {
      tale.idle();
      tale.closed();
    },
  ],
  S6: [
    (tale) => {
      const conn = tale.idle();
      tale.lend(conn);
      tale.close(conn);
    },
  ],
  S7: [(tale) => tale.judge.at('misuse', { before: 'idle 1', after: 'idle 2' })],
  S8: [
    (tale) => {
      const conn = tale.idle();
      conn.lostIn = tale.seen.step;
      tale.seen.nextStep();
      tale.grant(conn);
    },
    (tale) => {
      const conn = tale.idle();
      conn.closes = 1;
      tale.grant(conn);
    },
    (tale) => {
      const call = tale.seen.begin('dial', undefined, AbortSignal.abort());
      tale.grant(tale.idle(call));
    },
    (tale) => tale.grant(tale.seen.answered(tale.dial(), 'well') as Conn),
    (tale) => {
      const conn = tale.idle();
      tale.seen.answered(tale.check(conn), 'badly');
      tale.grant(conn);
    },
    (tale) => {
      const conn = tale.idle();
      tale.check(conn);
      tale.grant(conn);
    },
    (tale) => {
      const conn = tale.idle();
      conn.grants = 3;
      tale.grant(conn);
    },
    (tale) => {
      const conn = tale.idle();
      conn.clean = false;
      tale.grant(conn);
    },
    (tale) => {
      const conn = tale.idle();
      tale.time += 300;
      conn.usedAt = conn.soundAt = tale.time;
      tale.grant(conn);
    },
    (tale) => {
      const conn = tale.idle();
      tale.time += 200;
      conn.usedAt = tale.time;
      tale.grant(conn);
    },
    (tale) => {
      const conn = tale.idle();
      tale.seen.nextStep();
      tale.time += 1;
      tale.seen.notes.suspectAt = tale.time;
      tale.grant(conn);
    },
    (tale) => {
      tale.idle();
      const conn = tale.idle();
      tale.seen.nextStep();
      tale.time += 150;
      conn.soundAt = tale.time;
      tale.grant(conn);
    },
  ],
  S9: [
    (tale) => {
      tale.waiter();
      tale.grant(tale.idle(), tale.waiter());
    },
    (tale) => {
      const low = tale.waiter();
      tale.waiter({ priority: 1 });
      tale.grant(tale.idle(), low);
    },
    (tale) => {
      tale.seen.notes.passed.push(tale.waiter());
      tale.step();
    },
    (tale) => {
      tale.waiter({ using: true });
      const by = tale.waiter();
      tale.grant(tale.idle(), by);
      by.state = 'granted';
      tale.step();
    },
  ],
  S10: [(tale) => tale.refuse(tale.waiter({ waited: true }), 'ERR_POOL_EXHAUSTED')],
  S11: [
    (tale) => tale.judge.at('queued', tale.waiter({ ahead: 1, most: 1 })),
    (tale) => tale.refuse(tale.waiter({ waited: false, ahead: 0, most: 1 }), 'ERR_POOL_EXHAUSTED'),
  ],
  S12: [
    (tale) => tale.judge.at('instant', { stats: tale.stats({ size: 1 }) }),
    (tale) => tale.judge.at('instant', { stats: tale.stats({ idle: -1, size: -1 }) }),
    (tale) => tale.step({ state: 'paused' }),
    (tale) => tale.step({ max: 3 }),
    (tale) => tale.step({}, { rows: [{ id: 1, state: 'idle', age: 0, idle: 0, uses: 0 }] }),
  ],
  S13: [
    (tale) => tale.judge.at('dial', tale.dial()),
    (tale) => {
      tale.waiter();
      tale.waiter();
      tale.dial();
      tale.judge.at('dial', tale.dial());
    },
    (tale) => {
      tale.waiter();
      tale.idle();
      tale.judge.at('dial', tale.dial());
    },
  ],
  S14: [
    (tale) => {
      tale.idle();
      const conn = tale.idle();
      tale.time += 149;
      tale.close(conn, 'idle-timeout');
    },
    (tale) => {
      const conn = tale.idle();
      tale.time += 150;
      tale.close(conn, 'idle-timeout');
    },
  ],
  S15: [
    (tale) => {
      const conn = tale.idle();
      tale.time += 269;
      tale.close(conn, 'max-lifetime');
    },
  ],
  S16: [
    (tale) => {
      const conn = tale.idle();
      tale.lend(conn);
      tale.judge.at('touch', { conn, what: 'heartbeat' });
    },
    (tale) => {
      const conn = tale.idle();
      tale.check(conn);
      tale.grant(conn);
    },
  ],
  S17: [
    (tale) => {
      tale.seen.over = true;
      tale.seen.nextStep();
      tale.grant(tale.idle());
    },
    (tale) => tale.judge.at('told', tale.waiter()),
    (tale) => tale.refuse(tale.waiter(), 'ERR_POOL_CLOSED'),
    (tale) => {
      tale.seen.over = true;
      tale.waiter();
      tale.step();
    },
  ],
  S18: [
    (tale) => {
      tale.idle(tale.seen.begin('dial', undefined, AbortSignal.abort()));
      tale.step();
    },
    (tale) => {
      tale.idle();
      tale.seen.over = true;
      tale.step();
    },
  ],
  S19: [
    ...(['heartbeat', 'reset', 'isAlive'] as const).map((what) => (tale: Tale) => {
      const conn = tale.idle();
      conn.detached = true;
      tale.judge.at('touch', { conn, what });
    }),
    (tale) => {
      const conn = tale.idle();
      conn.detached = true;
      tale.close(conn);
    },
    (tale) => {
      const conn = tale.idle();
      conn.detached = true;
      tale.grant(conn);
    },
  ],
  S20: [
    (tale) => {
      const conn = tale.idle();
      tale.seen.generation = 1;
      tale.seen.nextStep();
      tale.grant(conn);
    },
    (tale) => {
      tale.idle();
      tale.seen.generation = 1;
      tale.step();
    },
  ],
  S21: [
    (tale) => {
      tale.seen.paused = true;
      tale.seen.nextStep();
      tale.grant(tale.idle());
    },
    (tale) => {
      tale.seen.paused = true;
      tale.seen.nextStep();
      tale.waiter();
      tale.judge.at('dial', tale.dial());
    },
  ],
  S22: [(tale) => tale.judge.at('thrown', { what: 'release', error: new Error('x'), inside: false })],
  S23: [(tale) => tale.judge.at('thrown', { what: 'release', error: new Error('x'), inside: true })],
  S24: [
    (tale) => {
      tale.seen.notes.ids.set(1, tale.idle());
      tale.grant(tale.idle());
    },
    (tale) => {
      const foreign = new Tale().idle();
      tale.judge.at('touch', { conn: foreign, what: 'isAlive' });
    },
  ],
};
