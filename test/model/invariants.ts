/** A test that holds an invariant. */
export interface Holder {
  /** From the root of the project. */
  readonly file: string;
  /** Its name, as it stands there. */
  readonly test: string;
}

/** What a pool promises. */
export interface Invariant {
  /** `S…` holds at every moment, `L…` comes true in the end, `M…` is counted right. */
  readonly id: string;
  readonly sentence: string;
  /** Where the model asks for it, after every step of every schedule; nowhere if it cannot show it. */
  readonly check?: string;
  /** Tests that show it by themselves. */
  readonly tests: readonly Holder[];
}

const SAFETY = 'test/model/safety.ts';
const LIVENESS = 'test/model/liveness.ts';
const ACCOUNTING = 'test/model/accounting.ts';

const core =
  (name: string) =>
  (test: string): Holder => ({ file: `test/core/${name}.spec.ts`, test });
const close = core('close');
const dialing = core('dialing');
const heartbeat = core('heartbeat');
const line = core('line');
const running = core('running');
const upkeep = core('upkeep');
const deadlines = core('deadlines');

/** All of them, and where each is held. */
export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'S1',
    sentence:
      'There are never more connections than `max`, those being dialled, checked and closed included; after a shrink none is dialled until there is room.',
    check: SAFETY,
    tests: [running('to a smaller max comes true as leases return, and dials nothing more meanwhile')],
  },
  {
    id: 'S2',
    sentence: 'A connection is in exactly one state, and a leased one has exactly one lease.',
    check: SAFETY,
    tests: [core('stats')('[C11] adds up at every instant, also inside every call and every event')],
  },
  {
    id: 'S3',
    sentence: 'Every acquire ends exactly once: with a lease or with an error.',
    check: SAFETY,
    tests: [],
  },
  {
    id: 'S4',
    sentence:
      'Whoever has given up, timed out or been refused never holds a connection: the next one gets it, or it goes to idle.',
    check: SAFETY,
    tests: [line('[B11] [B15] an abort after the grant leaves the lease with its holder')],
  },
  {
    id: 'S5',
    sentence: 'Every connection that was made is closed exactly once, unless it was detached.',
    check: SAFETY,
    tests: [close('[C10] twice, at once or later: one report, one close for each')],
  },
  {
    id: 'S6',
    sentence: 'No connection is closed in its borrower’s hands; a forced close ends the lease first.',
    check: SAFETY,
    tests: [
      close(
        '[B50] [B56] takes back by force, at the end of drain, what was never returned, and really closes it',
      ),
    ],
  },
  {
    id: 'S7',
    sentence:
      'Nothing that is called on a lease that has ended changes anything, whoever has the connection now.',
    check: SAFETY,
    tests: [],
  },
  {
    id: 'S8',
    sentence:
      'No connection is lent that has failed a check or is due for one, is too old, worn out, evicted, not reset, lost or closed.',
    check: SAFETY,
    tests: [
      upkeep('[B48] holds without start(), and after a stall: nothing too old is lent'),
      heartbeat(
        '[C5] [B48] runs when the connection was unused and unchecked for heartbeatInterval, also when no timer ran',
      ),
    ],
  },
  {
    id: 'S9',
    sentence:
      'Among equals who came first is served first, and nobody overtakes those who wait, not for a microtask.',
    check: SAFETY,
    tests: [line('cannot be overtaken in any gap of a microtask')],
  },
  {
    id: 'S10',
    sentence:
      'Whoever stands in line keeps the place: nobody is put back, or refused for want of room, after that.',
    check: SAFETY,
    tests: [],
  },
  {
    id: 'S11',
    sentence:
      'No more wait than `maxWaiting` allows, and nobody is refused while a connection is idle or there is room.',
    check: SAFETY,
    tests: [line('0: refuses nobody while a connection is idle')],
  },
  {
    id: 'S12',
    sentence: '`stats()` and `inspect()` add up at every instant, also inside callbacks.',
    check: SAFETY,
    tests: [core('stats')('[C11] adds up at every instant, also inside every call and every event')],
  },
  {
    id: 'S13',
    sentence: 'There are never more dials at once than `dialConcurrency`, and none begins that nobody needs.',
    check: SAFETY,
    tests: [dialing('is not begun: who gave up while dials were full asks for none')],
  },
  {
    id: 'S14',
    sentence:
      'Trimming idle connections leaves `min`, waits for `idleTimeout`, and never touches one that is lent.',
    check: SAFETY,
    tests: [upkeep('[C7] [B45] never goes below min, and does not churn: what is kept is kept')],
  },
  {
    id: 'S15',
    sentence:
      'Each connection’s lifetime lies between `maxLifetime` less its jitter and `maxLifetime`, and cuts no lease short.',
    check: SAFETY,
    tests: [upkeep('[B37] is shorter for each by its own random part, never longer')],
  },
  {
    id: 'S16',
    sentence: 'A connection under a heartbeat or a reset is lent to nobody, and a lent one is not checked.',
    check: SAFETY,
    tests: [heartbeat('[C6] leaves alone what was used meanwhile, and what is lent')],
  },
  {
    id: 'S17',
    sentence: 'From `close()` on no acquire succeeds, and those who wait are told so in the same tick.',
    check: SAFETY,
    tests: [],
  },
  {
    id: 'S18',
    sentence:
      'A dial that ends after the close, after its timeout or when nobody needs it is not lost: idle, or closed.',
    check: SAFETY,
    tests: [
      close('[C10] aborts its signal when it forces, does not wait for it, and closes what comes late'),
    ],
  },
  {
    id: 'S19',
    sentence: 'A detached connection frees its slot at once, and the pool never touches it again.',
    check: SAFETY,
    tests: [],
  },
  {
    id: 'S20',
    sentence: 'After `evictAll()` nothing that was made or begun before is ever lent.',
    check: SAFETY,
    tests: [running('a dial under way belongs to the old generation')],
  },
  {
    id: 'S21',
    sentence: 'A paused pool lends nothing and dials nothing; `resume()` serves the line.',
    check: SAFETY,
    tests: [running('hands out nothing and dials nothing until resume')],
  },
  {
    id: 'S22',
    sentence:
      'Whatever a connector, a predicate or a listener throws breaks none of this, and becomes no unhandled rejection.',
    check: SAFETY,
    tests: [],
  },
  {
    id: 'S23',
    sentence: 'The pool may be called from within whatever it calls, and all of this holds.',
    check: SAFETY,
    tests: [],
  },
  {
    id: 'S24',
    sentence: 'A connection is told from another by what it is, not by what it looks like.',
    check: SAFETY,
    tests: [
      {
        file: 'test/core/hostile/single-cases.spec.ts',
        test: 'the same object twice: both are connections of their own',
      },
    ],
  },
  {
    id: 'L1',
    sentence: 'Nobody waits while a connection is idle or could be dialled, unless that is under way.',
    check: LIVENESS,
    tests: [],
  },
  {
    id: 'L2',
    sentence:
      'Whatever ends a connection (discard, death, detach, a failed check) leads to another for whoever waits.',
    check: LIVENESS,
    tests: [],
  },
  {
    id: 'L3',
    sentence: 'After a failed dial those who wait are served by another, or told what the connector threw.',
    check: LIVENESS,
    tests: [dialing('[B1] [C4] that all fail rejects everybody, each with the cause')],
  },
  {
    id: 'L4',
    sentence:
      'An error that no retry can mend is told at once to everybody whom no living connection can serve.',
    check: LIVENESS,
    tests: [dialing('[B5] rejects nobody whom a live connection can serve')],
  },
  {
    id: 'L5',
    sentence: 'A call of the connector that never answers gives its slot back at its timeout.',
    check: LIVENESS,
    tests: [core('hung-calls')('all of them at once: every slot comes back')],
  },
  {
    id: 'L6',
    sentence:
      'An acquire ends by its deadline, whatever happens within, and the process stays up until then.',
    check: LIVENESS,
    tests: [deadlines('[B17] is one for all phases: wait, check, dial, retries')],
  },
  {
    id: 'L7',
    sentence: 'Nobody times out who could be served at that instant, also when the timer is late.',
    check: LIVENESS,
    tests: [deadlines('that passes while the event loop stood still rejects nobody who can be served')],
  },
  {
    id: 'L8',
    sentence: 'What comes back while a dial is under way serves whoever waits; the dial goes to idle.',
    check: LIVENESS,
    tests: [dialing('is not begun when a release has served instead')],
  },
  {
    id: 'L9',
    sentence: 'A larger `max` serves the line at once; a smaller one comes true as leases return.',
    check: LIVENESS,
    tests: [running('to a larger max serves who waits at once')],
  },
  {
    id: 'L10',
    sentence:
      'When `close()` has resolved, no connection, timer or listener is left, and the process can end.',
    check: LIVENESS,
    tests: [close('holds the process while it drains, and leaves no timer')],
  },
  {
    id: 'L11',
    sentence:
      '`close()` ends by `drain` and `closeTimeout` although a lease was not returned, and its late return does nothing.',
    check: LIVENESS,
    tests: [close('[B57] ends by its deadline although everything hangs')],
  },
  {
    id: 'L12',
    sentence:
      '`close()` may be called twice, at once, inside callbacks and before the first acquire: it is the same close.',
    check: LIVENESS,
    tests: [
      close('[C10] twice, at once or later: one report, one close for each'),
      close('before the first use'),
    ],
  },
  {
    id: 'L13',
    sentence: 'Upkeep survives every exception and keeps its schedule.',
    check: LIVENESS,
    tests: [heartbeat('survives any failure and keeps its schedule')],
  },
  {
    id: 'L14',
    sentence: 'Nobody starves: when every lease comes back, everybody is served, and every promise settles.',
    check: LIVENESS,
    tests: [line('holds 25 000 on 3 connections, in order')],
  },
  {
    id: 'L15',
    sentence:
      'A spike of short work is served by what there is: hardly a dial begins beyond those under way.',
    tests: [dialing('[B10] a spike on short work begins few dials beyond those under way')],
  },
  {
    id: 'L16',
    sentence: 'In an outage dials keep to the back-off; after it `min` is back within the longest delay.',
    check: LIVENESS,
    tests: [
      dialing('[B1] is followed by none before its back-off is over, whoever asks'),
      {
        file: 'test/core/predecessor.spec.ts',
        test: '[B34] [B36] [B46] of all connections at once: nobody hangs, the back-off bounds the dials, min is back within its cap',
      },
    ],
  },
  {
    id: 'L17',
    sentence:
      'Neither the wall clock nor a stalled event loop closes connections or times out those who can be served.',
    tests: [
      core('defaults')('clock: the monotonic one of the machine'),
      deadlines('that passes while the event loop stood still rejects nobody who can be served'),
      heartbeat(
        'does not check all at once what became due while the event loop stood still, and closes nothing for it',
      ),
    ],
  },
  {
    id: 'L18',
    sentence: 'Any number of acquires that give up leaves nothing in memory.',
    tests: [
      {
        file: 'test/regressions/cancelled-waiters-stay-in-memory.spec.ts',
        test: 'are forgotten: nothing of them stays in memory',
      },
    ],
  },
  {
    id: 'L19',
    sentence: '`min` is restored after any deaths.',
    check: LIVENESS,
    tests: [upkeep('[B46] is made at start, and restored after any loss')],
  },
  {
    id: 'L20',
    sentence: 'A heartbeat that fails on the last idle connection makes another for whoever waits.',
    check: LIVENESS,
    tests: [heartbeat('that fails on the only connection with somebody waiting makes another')],
  },
  {
    id: 'M1',
    sentence:
      'Every acquire is counted in exactly one bin: granted, timed out, aborted, refused, closed, failed or waiting.',
    check: ACCOUNTING,
    tests: [core('stats')('[C11] counts every acquire in exactly one bin')],
  },
  {
    id: 'M2',
    sentence: 'Every close has exactly one reason, and it is the true one.',
    check: ACCOUNTING,
    tests: [core('stats')('every close has exactly one reason')],
  },
  {
    id: 'M3',
    sentence:
      'Every dial, grant, heartbeat and loss is counted once, and every dial told with its duration once.',
    check: ACCOUNTING,
    tests: [core('stats')('dialFailures counts attempts'), dialing('tells how long it took')],
  },
  {
    id: 'M4',
    sentence:
      'A leak is reported once for each lease, its late return at most once, and nothing after a release.',
    check: ACCOUNTING,
    tests: [core('leaks')('[B64] tells when it has come back after all, once')],
  },
];
