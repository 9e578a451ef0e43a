import { hundredths, whole } from '../figures.mjs';
import { ADDRESSES, CONNECTIONS } from './crowd.mjs';

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [figure] - the one shown
 * @property {(measured: any, base: any) => number} [compare] - or what it is beside the base of the same round
 * @property {(value: number) => string} format
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} title
 * @property {string} child - what runs in the process of the client: its first two arguments are the contender and the port
 * @property {readonly string[]} with - its other arguments but the last, which is the effort
 * @property {string} [server] - what runs in the process of the server, if it is another than `peer.mjs`
 * @property {readonly (string | number)[]} peer - its arguments; of `peer.mjs` the protocol and the bytes of an answer
 * @property {readonly string[]} contenders - the first is the base
 * @property {readonly Column[]} columns
 * @property {number} [rounds] - at most; for what varies little or takes long
 * @property {boolean} [pinned] - each of the two processes on a core of its own, where that can be
 * @property {readonly string[]} [flags] - of V8, for the client
 * @property {Record<string, string>} [env] - of both processes, beside what this one has
 * @property {boolean} [needsBrokers] - a Redis or a NATS besides
 * @property {number} [files] - open files that each of the two processes needs
 */

const SIZES = [
  { bytes: 64, size: '64 B' },
  { bytes: 16_384, size: '16 KiB' },
];
const CROWDS = [1, 50];
/**
 * Every read is a buffer of its own, in memory of glibc's. By default it gives back what is free at the top of its heap,
 * and gets it again from the system, page by page, at moments that no contender has in its hands.
 */
const KEEPS_MEMORY = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: String(512 * 1024 ** 2),
  MALLOC_TOP_PAD_: String(32 * 1024 ** 2),
};

const ONE_DECIMAL = (value) => value.toFixed(1);
const PERCENT = (value) => `${(100 * value).toFixed(2)} %`;

/** Of request and response. */
export const TCP = exchanges('tcp', ['raw', 'async', 'acquire', 'duplex', 'dial', 'connect']);
export const HTTP = exchanges('http', ['http-agent', 'http-pooled', 'http-connect']);

/** @type {Scenario} */
export const IDLE = {
  name: 'idle',
  title: `${CONNECTIONS.toLocaleString('en')} idle connections to ${ADDRESSES.toLocaleString('en')} addresses`,
  child: 'idle-child.mjs',
  with: [],
  peer: ['tcp', 64],
  contenders: ['plain', 'pooled', 'pooled, with a heartbeat every 10 s'],
  columns: [
    { title: 'bytes each', figure: 'bytes', format: whole },
    { title: "beyond Node's own", compare: (measured, base) => measured.bytes - base.bytes, format: whole },
    { title: 'share of a core', figure: 'share', format: PERCENT },
  ],
  rounds: 3,
  files: CONNECTIONS,
};

/** @type {Scenario} */
export const WARM = {
  name: 'warm',
  title: `Dialling and closing one of ten warm addresses, among so many with ${CONNECTIONS / ADDRESSES} idle connections each`,
  child: 'warm-child.mjs',
  with: [],
  peer: ['tcp', 64],
  contenders: ['10', String(ADDRESSES)],
  columns: [
    { title: 'CPU µs', figure: 'cpu', format: hundredths },
    { title: '× 10 addresses', compare: (measured, base) => measured.cpu / base.cpu, format: hundredths },
  ],
  files: CONNECTIONS,
};

/** @type {readonly Scenario[]} */
export const SCENARIOS = [...TCP, ...HTTP, IDLE, WARM];

/** @returns {Scenario[]} */
function exchanges(protocol, contenders) {
  return SIZES.flatMap(({ bytes, size }) =>
    CROWDS.map((workers) => ({
      name: `${protocol}-${bytes}-${workers}`,
      title: `${protocol.toUpperCase()}: ${size} for ${size}, ${workers === 1 ? 'one after the other' : `${workers} at once`}`,
      child: 'child.mjs',
      with: [String(bytes), String(workers)],
      peer: [protocol, bytes],
      contenders,
      env: KEEPS_MEMORY,
      columns: [
        { title: 'round trips/s', figure: 'rate', format: whole },
        {
          title: `× ${contenders[0]}`,
          compare: (measured, base) => measured.rate / base.rate,
          format: hundredths,
        },
        { title: 'client CPU µs', figure: 'cpu', format: ONE_DECIMAL },
      ],
    })),
  );
}
