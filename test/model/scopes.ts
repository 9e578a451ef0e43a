import type { Act, Schedule } from './acts.js';
import type { World } from './world.js';

/** What is explored. */
export interface Scope {
  readonly options: Schedule['options'];
  readonly methods: Partial<Schedule['methods']>;
  /** How the connector may answer next. */
  readonly answers: (world: World) => readonly Act[];
  /** What else may be done next. */
  readonly acts: (world: World) => readonly Act[];
  /** Of those, how many in one schedule. */
  readonly most: number;
}

type Some = (world: World) => readonly Act[];

/** Every duration a pool can be told, so short that the longest is over in two steps of time. */
const TIMES = {
  idleTimeout: 0,
  maxLifetime: 0,
  heartbeatInterval: 0,
  acquireTimeout: 0,
  dialAttempts: 1,
  dialTimeout: 40,
  heartbeatTimeout: 40,
  resetTimeout: 40,
  closeTimeout: 40,
  dialBackoff: { initial: 10, max: 10 },
  drain: 40,
};
const MOST_WAITING = 3;

/** @param how - apart from a plain acquire */
function acquire(how: { timeout?: number; priority?: number; fresh?: boolean } = {}): Some {
  const act: Act = { do: 'acquire', timeout: 0, priority: 0, fresh: false, signal: true, ...how };
  return ({ seen }) => (seen.waiting.length < MOST_WAITING ? [act] : []);
}

function giveBack(...ways: ('release twice' | 'discard' | 'detach')[]): Some {
  return ({ seen }) =>
    seen.leases.filter(({ ended }) => !ended).flatMap((_held, n) => ways.map((way): Act => ({ do: way, n })));
}

const abort: Some = ({ seen }) => seen.waiting.map((_one, n): Act => ({ do: 'abort', n }));

const die: Some = ({ seen }) =>
  seen.conns
    .filter(({ closes, dead, detached }) => closes === 0 && !dead && !detached)
    .map((_conn, n): Act => ({ do: 'kill', n }));

/** As long as it takes until a timer rings. */
const passTime: Some = ({ clock }) =>
  clock.untilNext === undefined ? [] : [{ do: 'advance', ms: clock.untilNext }];

const close: Some = ({ seen }) =>
  seen.over
    ? []
    : [
        { do: 'close', ms: 0 },
        { do: 'close', ms: 20 },
      ];

const pauseOrResume: Some = ({ seen }) => [{ do: seen.paused ? 'resume' : 'pause' }];

const evict: Some = () => [{ do: 'evictAll' }];
const closeIdle: Some = () => [{ do: 'closeIdle' }];
const warmUp: Some = () => [{ do: 'warmUp', n: 1 }];

/** Between one and two. */
const resize: Some = ({ seen }) => [{ do: 'resize', max: 3 - seen.max, min: 0, maxIdle: undefined }];

const start: Some = ({ seen }) => (seen.notes.started ? [] : [{ do: 'start' }]);
const heartbeat: Some = () => [{ do: 'heartbeat', timeout: 0, dialIfNone: true, signal: false }];

function all(...some: Some[]): Some {
  return (world) => some.flatMap((acts) => acts(world));
}

/** Any two of these in one turn. */
function pairs(some: Some): Some {
  return (world) => {
    const acts = [
      ...some(world),
      ...world.connector.held.map((_call, n): Act => ({ do: 'settle', n, well: true })),
    ];
    return acts.flatMap((one) => acts.map((other): Act => ({ do: 'together', acts: [one, other], gap: 0 })));
  };
}

/** Of a moment. A discard ends a connection as a death and a release do: where that is too much, it is left out. */
const frugal = all(acquire(), giveBack('release twice'), abort, die);
const core = all(frugal, giveBack('discard'));

/** Every answer to every call. */
const wellOrBadly: Some = ({ connector }) =>
  connector.held.flatMap((_call, n): Act[] => [
    { do: 'settle', n, well: true },
    { do: 'settle', n, well: false },
  ]);

/** A close that fails frees its slot as one that goes well. */
const failsWhereItMatters: Some = ({ connector }) =>
  connector.held.flatMap(({ call }, n): Act[] => [
    { do: 'settle', n, well: true },
    ...(call.kind === 'close' ? [] : [{ do: 'settle', n, well: false } as const]),
  ]);

export const SCOPES: Readonly<Record<string, Scope>> = {
  'two connections, six acts: acquire, release, abort, death, time': {
    options: { ...TIMES, max: 2 },
    methods: { watch: true },
    answers: failsWhereItMatters,
    acts: all(frugal, passTime),
    most: 6,
  },
  'one connection, six acts: those, and discard, detach, close, pause, resume, evictAll, closeIdle': {
    options: { ...TIMES, max: 1 },
    methods: { watch: true },
    answers: wellOrBadly,
    acts: all(core, passTime, giveBack('detach'), close, pauseOrResume, evict, closeIdle),
    most: 6,
  },
  'one connection or two, as resize says, four acts: deadlines, priorities, fresh ones, evictAll, warmUp': {
    options: { ...TIMES, max: 1 },
    methods: {},
    answers: wellOrBadly,
    acts: all(
      acquire({ timeout: 20 }),
      acquire({ priority: 1 }),
      acquire({ fresh: true }),
      giveBack('release twice', 'discard'),
      passTime,
      resize,
      evict,
      warmUp,
      close,
    ),
    most: 4,
  },
  'one connection with heartbeats and resets, four acts: start, heartbeat, acquire, release, death': {
    options: { ...TIMES, max: 1, min: 1 },
    methods: { heartbeat: true, reset: true, watch: true },
    answers: wellOrBadly,
    acts: all(core, passTime, start, heartbeat, close),
    most: 4,
  },
  'one connection, four pairs of acts or answers in one turn': {
    options: { ...TIMES, max: 1 },
    methods: { watch: true },
    answers: wellOrBadly,
    acts: all(pairs(core), passTime),
    most: 4,
  },
};
