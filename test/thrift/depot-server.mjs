import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import thrift from 'thrift';

// The quietest there is: the runtime would tell of every call that arrives while another is answered.
thrift.setLogLevel('info');

const require = createRequire(import.meta.url);
const { Processor } = require('./gen/Depot.js');
const { Refused } = require('./gen/depot_types.js');

/**
 * The service of depot.thrift on a free port of the loopback, or on `port`. `called(method)` resolves when a call of
 * that method has arrived.
 *
 * @param {{ transport?: Function, protocol?: Function, tls?: object, port?: number, path?: string }} [options]
 */
export async function startDepotServer(options = {}) {
  const {
    transport = thrift.TBufferedTransport,
    protocol = thrift.TBinaryProtocol,
    tls,
    port = 0,
    path,
  } = options;
  const notes = [];
  const arrivals = new Map();
  const arrived = (method) => {
    arrivals.get(method)?.();
    arrivals.delete(method);
  };
  const handler = {
    echo: async (text) => text,
    refuse: async (reason) => {
      throw new Refused({ reason });
    },
    crash: async (text) => {
      throw new Error(text);
    },
    nothing: async () => null,
    hang: () => {
      arrived('hang');
      return new Promise(() => undefined);
    },
    touch: async () => undefined,
    send: async (parcel) => void notes.push(parcel.label),
    note: (text) => void notes.push(text),
    notes: async () => notes,
  };
  const server = thrift.createServer(Processor, handler, { transport, protocol, ...(tls && { tls }) });
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('error', () => undefined);
  await new Promise((resolve) => server.listen(path ?? { port, host: '127.0.0.1' }, () => resolve()));
  /** @returns {Promise<void>} */
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return {
    port: path === undefined ? server.address().port : 0,
    sockets,
    /** @returns {Promise<void>} */
    called: (method) => new Promise((resolve) => arrivals.set(method, resolve)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

// In a process of its own it says by IPC where it listens and when a call of `hang` has arrived.
if (process.send !== undefined && import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = await startDepotServer({ port: Number(process.argv[2] ?? 0) });
  const tellOfHangs = async () => {
    await server.called('hang');
    process.send?.({ called: 'hang' });
    return tellOfHangs();
  };
  void tellOfHangs();
  process.send({ port: server.port });
}
