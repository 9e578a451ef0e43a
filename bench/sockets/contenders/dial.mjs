import { SocketPool } from '../../../dist/esm/net/index.js';
import { HOST } from '../contender.mjs';
import { Exchange } from '../exchange.mjs';

/**
 * A pooled socket for each request: dialled, used, closed.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export function open({ port, request, answerBytes, workers }) {
  const pool = new SocketPool({ maxIdle: workers });
  const address = `${HOST}:${port}`;
  const exchanges = Array.from({ length: workers }, () => new Exchange());
  return {
    async roundTrip(worker) {
      const socket = await pool.dial('tcp', address);
      const exchange = exchanges[worker];
      exchange.attach(socket);
      await exchange.roundTrip(request, answerBytes);
      await socket.close();
    },
  };
}
