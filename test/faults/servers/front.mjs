import net from 'node:net';
import { listening, obey } from './orders.mjs';

/**
 * Stands in front of a server of any protocol, takes the connections for it, and treats them in the manner that the
 * test has ordered by IPC. The server behind knows of no fault.
 *
 * @param {net.Server} inner - never listens itself
 * @param {{ host: string, port: number, backlog?: number }} address
 */
export function openFront(inner, { host, port, backlog }) {
  const sockets = new Set();
  let manner = { name: 'serve' };

  const serve = (socket) => inner.emit('connection', socket);
  /** Keeps what is written back for so long. */
  const slowly = (socket, ms) => {
    const write = socket.write.bind(socket);
    socket.write = (...args) => {
      setTimeout(() => socket.writable && write(...args), ms);
      return true;
    };
  };
  const manners = {
    serve,
    /** Accepts and never speaks. */
    mute: (socket) => void socket.resume(),
    /** Accepts and hangs up at once. */
    hangUp: (socket) => void socket.destroy(),
    reset: (socket) => void socket.resetAndDestroy(),
    /** Answers once, and has hung up by the time the answer is read. */
    oneAnswer: (socket) => {
      const write = socket.write.bind(socket);
      socket.write = (...args) => {
        write(...args);
        socket.end();
        return true;
      };
      serve(socket);
    },
    /** Takes its time before it looks at a new connection. */
    late: (socket, { ms }) => void setTimeout(() => socket.destroyed || serve(socket), ms),
    slow: (socket, { ms }) => {
      slowly(socket, ms);
      serve(socket);
    },
    /** Hangs up on whoever says nothing for so long. */
    impatient: (socket, { ms }) => {
      socket.setTimeout(ms, () => socket.end());
      serve(socket);
    },
  };

  // Half open, so that a FIN of ours is no more than that.
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('end', () => socket.end());
    manners[manner.name](socket, manner);
  });
  inner.on('error', () => undefined);

  obey({
    listen: () => listening(server, (done) => server.listen({ host, port, backlog }, done)),
    /** For connections to come. */
    treat: ({ manner: next }) => void (manner = next),
    resetAll: () => sockets.forEach((socket) => socket.resetAndDestroy()),
    /** Sends FIN, and leaves its own end open. */
    endAll: () => sockets.forEach((socket) => socket.end()),
    count: () => sockets.size,
  });
}
