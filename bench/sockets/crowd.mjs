import { once } from 'node:events';
import { connect } from 'node:net';
import { SocketPool } from '../../dist/esm/net/index.js';

/** A great many connections, to many addresses. */
export const CONNECTIONS = 10_000;
export const ADDRESSES = 1_000;

/** Connections made side by side: a server's queue holds no more. */
const AT_ONCE = 200;

/**
 * Addresses that all lead to one server of this machine: on Linux the whole of 127.0.0.0/8 is the machine itself.
 *
 * @param {number} count
 * @param {number} port
 * @returns {{ host: string, port: number, address: string }[]}
 */
export function addressesOf(count, port) {
  return Array.from({ length: count }, (_, index) => {
    const host = `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
    return { host, port, address: `${host}:${port}` };
  });
}

/**
 * As many sockets for each address, made as the pool makes its own, with what every user has on each: a listener for
 * errors.
 *
 * @returns {Promise<import('node:net').Socket[]>}
 */
export async function plainCrowd(addresses, each) {
  const sockets = [];
  const make = async ({ host, port }) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 });
    await once(socket, 'connect');
    return socket;
  };
  await inBatches(addresses, each, make, (socket) => {
    socket.on('error', () => {});
    socket.unref();
    sockets.push(socket);
  });
  return sockets;
}

/**
 * A pool with as many idle connections to each address.
 *
 * @param {import('../../dist/esm/net/index.js').SocketPoolOptions} options
 * @returns {Promise<SocketPool>}
 */
export async function pooledCrowd(addresses, each, options) {
  const pool = new SocketPool({ ...options, maxIdle: each });
  await pool.start();
  await inBatches(
    addresses,
    each,
    ({ address }) => pool.dial('tcp', address),
    (socket) => socket.close(),
  );
  const { idle } = pool.stats();
  if (idle !== addresses.length * each) throw new Error(`${idle} connections are idle`);
  return pool;
}

/** All those of one address are made side by side. */
async function inBatches(addresses, each, make, then) {
  const addressesAtOnce = AT_ONCE / each;
  for (let begin = 0; begin < addresses.length; begin += addressesAtOnce) {
    const batch = addresses.slice(begin, begin + addressesAtOnce);
    const places = batch.flatMap((address) => Array.from({ length: each }, () => address));
    const made = await Promise.all(places.map(make));
    await Promise.all(made.map(then));
  }
}
