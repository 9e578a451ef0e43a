import { Agent } from 'node:http';
import { SocketPool } from '../../../dist/esm/net/index.js';
import { post } from '../post.mjs';

/** Keeps nothing itself: each request dials from the pool, and gives back what is fit to be kept. */
class PooledAgent extends Agent {
  #pool;

  constructor(pool) {
    super({ keepAlive: true });
    this.#pool = pool;
  }

  createConnection({ host, port }, connected) {
    this.#pool.dial('tcp', `${host}:${port}`).then((socket) => connected(null, socket), connected);
  }

  keepSocketAlive(socket) {
    void socket.close();
    return false;
  }
}

/**
 * HTTP over pooled sockets.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export function open(setting) {
  // A request that ends asks for the next before the agent lets go of its connection.
  const pool = new SocketPool({ maxIdle: 2 * setting.workers });
  const agent = new PooledAgent(pool);
  return { roundTrip: () => post(agent, setting) };
}
