import { once } from 'node:events';
import { connect } from 'node:net';
import { HOST } from '../contender.mjs';
import { Exchange } from '../exchange.mjs';

/**
 * One socket for each worker, kept open: what nobody can do better without pipelining.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export async function open({ port, request, answerBytes, workers }) {
  const exchanges = await Promise.all(
    Array.from({ length: workers }, async () => {
      const socket = connect({ host: HOST, port, noDelay: true });
      await once(socket, 'connect');
      const exchange = new Exchange();
      exchange.attach(socket);
      return exchange;
    }),
  );
  return { roundTrip: (worker) => exchanges[worker].roundTrip(request, answerBytes) };
}
