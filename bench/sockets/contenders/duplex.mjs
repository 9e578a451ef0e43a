import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { HOST } from '../contender.mjs';
import { Exchange } from '../exchange.mjs';

/**
 * As `async`, through a stream that is made for each round trip and destroyed after it, over the same socket: what costs
 * least of all that gives out streams of its own. No checks, no errors, no ends.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export async function open({ port, request, answerBytes, workers }) {
  const links = await Promise.all(
    Array.from({ length: workers }, async () => {
      const socket = connect({ host: HOST, port, noDelay: true });
      await once(socket, 'connect');
      const link = { socket, stream: undefined, exchange: new Exchange() };
      socket.on('data', (chunk) => link.stream.push(chunk));
      return link;
    }),
  );
  const lent = Promise.resolve();
  return {
    async roundTrip(worker) {
      await lent;
      const link = links[worker];
      link.stream = new PassingOn(link.socket);
      link.exchange.attach(link.stream);
      await link.exchange.roundTrip(request, answerBytes);
      link.stream.destroy();
    },
  };
}

class PassingOn extends Duplex {
  #socket;

  constructor(socket) {
    super();
    this.#socket = socket;
  }

  _read() {}

  _write(chunk, _encoding, done) {
    this.#socket.write(chunk);
    done();
  }
}
