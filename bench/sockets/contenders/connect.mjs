import { connect } from 'node:net';
import { HOST } from '../contender.mjs';
import { Exchange } from '../exchange.mjs';

/**
 * A new connection for each request.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export function open({ port, request, answerBytes, workers }) {
  const exchanges = Array.from({ length: workers }, () => new Exchange());
  return {
    async roundTrip(worker) {
      const socket = connect({ host: HOST, port, noDelay: true });
      const exchange = exchanges[worker];
      exchange.attach(socket);
      // Node holds it back until the connection stands.
      await exchange.roundTrip(request, answerBytes);
      socket.destroy();
    },
  };
}
