import { SocketPool } from '../../../dist/esm/net/index.js';
import { HOST } from '../contender.mjs';
import { Exchange } from '../exchange.mjs';

/**
 * The raw socket under a lease, for each request anew.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export function open({ port, request, answerBytes, workers }) {
  const pool = new SocketPool({ maxIdle: workers });
  const address = `${HOST}:${port}`;
  const exchanges = Array.from({ length: workers }, () => new Exchange());
  return {
    async roundTrip(worker) {
      const lease = await pool.acquire('tcp', address);
      const exchange = exchanges[worker];
      exchange.attach(lease.conn);
      await exchange.roundTrip(request, answerBytes);
      lease.release();
    },
  };
}
