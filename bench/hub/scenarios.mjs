import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hundredths, whole } from '../figures.mjs';
import { FLEETS } from './fleet.mjs';

/** @typedef {import('../sockets/scenarios.mjs').Scenario} Scenario */

const SIZES = [
  { bytes: 64, size: '64 B' },
  { bytes: 1024, size: '1 KiB' },
];
const CROWDS = [1000, 5000];
const TWO_DECIMALS = (value) => value.toFixed(2);

/** @returns {import('../sockets/scenarios.mjs').Column[]} */
const PUSH_COLUMNS = [
  { title: 'messages/s', figure: 'rate', format: whole },
  { title: '× ws', compare: (measured, base) => measured.rate / base.rate, format: hundredths },
  { title: 'CPU µs', figure: 'cpu', format: TWO_DECIMALS },
  {
    title: 'messages by CPU, × ws',
    compare: (measured, base) => base.cpu / measured.cpu,
    format: hundredths,
  },
];

/** As docs/hub.md advises whoever pushes so much in a turn. */
const YOUNG = ['--max-semi-space-size=64'];

/**
 * @param {string} kind - what one turn pushes
 * @param {string} title
 * @param {readonly string[]} contenders
 * @returns {Scenario}
 */
const pushes = (kind, title, contenders, connections, { bytes, size }) => ({
  name: `${kind}-${connections}-${bytes}`,
  title: `${title}, ${whole(connections)} connections, ${size}`,
  child: '../hub/push-child.mjs',
  with: [kind, String(connections), String(bytes)],
  server: '../hub/sink.mjs',
  peer: [],
  contenders,
  columns: PUSH_COLUMNS,
  pinned: true,
  flags: YOUNG,
  files: connections,
});

const everyway = (kind, title, contenders) =>
  CROWDS.flatMap((crowd) => SIZES.map((size) => pushes(kind, title, contenders, crowd, size)));

/** One message for each connection in a turn. */
export const ONE = everyway('one', 'Another message for each', ['ws', 'frames', 'hub', 'socket.io']);
export const TEN = everyway('ten', 'Ten messages for each', ['ws', 'hub', 'socket.io']);
export const RANDOM = [
  pushes('random', '5,000 messages for anybody', ['ws', 'hub', 'socket.io'], 1000, SIZES[0]),
];
export const BROADCAST = everyway('broadcast', 'One message for all', ['ws', 'frames', 'hub']);
export const BROADCAST_TEN = everyway('broadcast-ten', 'Ten messages for all', ['ws', 'hub']);

/** @type {readonly Scenario[]} */
export const IDLE = [5000, 20_000].map((connections) => ({
  name: `idle-${connections}`,
  title: `${whole(connections)} idle connections`,
  child: '../hub/idle-child.mjs',
  with: [String(connections)],
  server: '../hub/sink.mjs',
  peer: [],
  contenders: ['ws', 'hub'],
  columns: [
    { title: 'bytes each', figure: 'bytes', format: whole },
    { title: "beyond ws's own", compare: (measured, base) => measured.bytes - base.bytes, format: whole },
  ],
  rounds: 3,
  files: connections,
}));

/** @type {readonly Scenario[]} */
export const QUEUED = SIZES.map(({ bytes, size }) => ({
  name: `queued-${bytes}`,
  title: `Messages of ${size} that wait`,
  child: '../hub/queued-child.mjs',
  with: [String(bytes)],
  server: '../hub/sink.mjs',
  peer: [],
  contenders: ['ws', 'hub'],
  columns: [{ title: 'bytes beyond the payload', figure: 'bytes', format: whole }],
  rounds: 3,
}));

const isThere = {
  redis: true,
  nats: existsSync(fileURLToPath(new URL('../../dist/esm/nats/index.js', import.meta.url))),
};
const fleets = Object.keys(FLEETS).filter((fleet) => isThere[FLEETS[fleet].kind]);
/** What a scenario of several instances needs. */
export const BROKERS = [...new Set(fleets.map((fleet) => FLEETS[fleet].kind))];

/** @type {Scenario} */
export const FORWARD = {
  name: 'forward',
  title: 'Messages of 64 B to connections of another instance, 1,000 in a turn',
  child: '../hub/forward-child.mjs',
  with: ['64'],
  server: '../hub/sink.mjs',
  peer: [],
  contenders: fleets,
  columns: [
    { title: 'messages/s', figure: 'rate', format: whole },
    { title: `× ${fleets[0]}`, compare: (measured, base) => measured.rate / base.rate, format: hundredths },
    { title: "pushing instance's CPU µs", figure: 'cpu', format: TWO_DECIMALS },
  ],
  needsBrokers: true,
};

/** @type {Scenario} */
export const LATENCY = {
  name: 'latency',
  title: 'One message of 64 B at a time to a connection of another instance',
  child: '../hub/latency-child.mjs',
  with: ['64'],
  server: '../hub/sink.mjs',
  peer: [],
  contenders: fleets,
  columns: [
    { title: 'read by the client, ms: p50', figure: 'p50', format: TWO_DECIMALS },
    { title: 'p99', figure: 'p99', format: TWO_DECIMALS },
    { title: 'confirmed to whoever pushed, ms: p99', figure: 'confirmed', format: TWO_DECIMALS },
  ],
  needsBrokers: true,
};

/** @type {readonly Scenario[]} */
export const SCENARIOS = [
  ...ONE,
  ...TEN,
  ...RANDOM,
  ...BROADCAST,
  ...BROADCAST_TEN,
  ...IDLE,
  ...QUEUED,
  FORWARD,
  LATENCY,
];
