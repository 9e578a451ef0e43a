import { hundredths, whole } from '../figures.mjs';

/** @typedef {import('../sockets/scenarios.mjs').Scenario} Scenario */

const SIZES = [
  { bytes: 64, size: '64 B' },
  { bytes: 16_384, size: '16 KiB' },
];
const CROWDS = [1, 50];
const ONE_DECIMAL = (value) => value.toFixed(1);

/** @returns {import('../sockets/scenarios.mjs').Column[]} */
const columnsOf = (unit, base, more = []) => [
  { title: `${unit}/s`, figure: 'rate', format: whole },
  { title: `× ${base}`, compare: (measured, other) => measured.rate / other.rate, format: hundredths },
  ...more,
];
const CPU = { title: 'client CPU µs', figure: 'cpu', format: ONE_DECIMAL };

/** Packages for packages. @type {readonly Scenario[]} */
export const ECHO = SIZES.flatMap(({ bytes, size }) =>
  CROWDS.map((workers) => ({
    name: `echo-${bytes}-${workers}`,
    title: `Packages: ${size} for ${size}, ${workers === 1 ? 'one after the other' : `${workers} at once`}`,
    child: '../tcp/echo-child.mjs',
    with: [String(bytes), String(workers)],
    server: '../tcp/peer.mjs',
    peer: ['echo'],
    contenders: ['raw', 'kept', 'borrowed'],
    columns: columnsOf('packages', 'raw', [CPU]),
  })),
);

/** @type {readonly Scenario[]} */
export const DECODE = [
  { name: 'decode', title: '1 GiB of packages of 64 bytes, in chunks of 1 byte to 64 KiB', most: 65_536 },
  { name: 'decode-small', title: '1 GiB of packages of 64 bytes, in chunks of 1 to 1500 bytes', most: 1500 },
].map(({ name, title, most }) => ({
  name,
  title,
  child: '../tcp/decode-child.mjs',
  with: [String(most)],
  server: '../tcp/peer.mjs',
  peer: ['echo'],
  contenders: ['lean', 'decoder', 'decoder, copies'],
  columns: columnsOf('packages', 'lean'),
}));

/** @type {Scenario} */
export const PIPELINE = {
  name: 'pipeline',
  title: 'Packages of 64 bytes that do not wait for each other',
  child: '../tcp/pipeline-child.mjs',
  with: [],
  server: '../tcp/peer.mjs',
  peer: ['echo'],
  contenders: ['one by one', 'pipelined'],
  columns: columnsOf('packages', 'one by one'),
};

/** @type {Scenario} */
export const LINES = {
  name: 'lines',
  title: 'Lines of 60 bytes',
  child: '../tcp/lines-child.mjs',
  with: [],
  server: '../tcp/peer.mjs',
  peer: ['lines'],
  contenders: ['readline', 'readline, events', 'recvLine', 'lines', 'lineBatches', 'byte by byte'],
  columns: columnsOf('lines', 'readline'),
};

/** @type {readonly Scenario[]} */
export const SCENARIOS = [...ECHO, ...DECODE, PIPELINE, LINES];
