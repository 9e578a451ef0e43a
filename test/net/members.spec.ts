import { once } from 'node:events';
import net from 'node:net';
import { PassThrough, Duplex } from 'node:stream';
import tls from 'node:tls';
import type { PooledSocket } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { silent } from './peers.js';
import { inTime } from './talk.js';
import { until } from './until.js';

const membersOf = (prototype: object): string[] =>
  Object.getOwnPropertyNames(prototype).filter((name) => !name.startsWith('_') && name !== 'constructor');

/** Without meaning for a connection that is there, or deprecated: see docs/sockets.md. */
const LEFT_OUT = ['connect', 'bufferSize'];
/** Of TLS, what is more than to look: `raw()` gives the socket that has it. */
const LEFT_TO_RAW = [
  ...['disableRenegotiation', 'enableTrace', 'exportKeyingMaterial', 'getCertificate', 'getEphemeralKeyInfo'],
  ...['getFinished', 'getPeerFinished', 'getPeerX509Certificate', 'getSession', 'getSharedSigalgs'],
  ...[
    'getTLSTicket',
    'getX509Certificate',
    'renegotiate',
    'setKeyCert',
    'setMaxSendFragment',
    'setServername',
  ],
  'setSession',
];

describe('a pooled socket', () => {
  const { pool, peer } = loopback();

  it('has the members of a net.Socket, and those of TLS that one looks at', async () => {
    const remote = await peer(silent);
    const socket = await pool().dial('tcp', remote.address);
    const missing = (prototype: object): string[] => membersOf(prototype).filter((name) => !(name in socket));
    expect(missing(net.Socket.prototype).sort()).toEqual([...LEFT_OUT].sort());
    expect(missing(tls.TLSSocket.prototype).filter((name) => !LEFT_TO_RAW.includes(name))).toEqual([]);
    await socket.close();
  });

  it('tells its state as a net.Socket does', async () => {
    const remote = await peer(silent, { allowHalfOpen: true });
    const plain = net.connect(remote.port, '127.0.0.1');
    await once(plain, 'connect');
    const socket = await pool().dial('tcp', remote.address);
    const state = ({ pending, connecting, readyState, timeout, localFamily }: net.Socket | PooledSocket) => ({
      pending,
      connecting,
      readyState,
      timeout,
      localFamily,
    });
    expect(state(socket)).toEqual(state(plain));
    for (const each of [socket, plain]) each.setTimeout(60_000).end();
    await Promise.all([once(socket, 'finish'), once(plain, 'finish')]);
    expect(state(socket)).toEqual(state(plain));
    expect(socket.readyState).toBe('readOnly');
    for (const each of [socket, plain]) each.destroy();
    expect(socket.readyState).toBe(plain.readyState);
  });

  it('destroySoon() ends it, and destroys it when all is written', async () => {
    const remote = await peer(silent, { allowHalfOpen: true });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.write(Buffer.alloc(1_000_000));
    socket.destroySoon();
    await inTime(once(socket, 'close'));
    const theirs = await remote.connection(1);
    await until(() => theirs.readableEnded);
    expect([theirs.bytesRead, sockets.size]).toEqual([1_000_000, 0]);
  });

  it('resetAndDestroy() resets the connection', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const failed = once(await remote.connection(1), 'error');
    expect(socket.resetAndDestroy()).toBe(socket);
    expect((await inTime(failed))[0]).toMatchObject({ code: 'ECONNRESET' });
    expect([socket.destroyed, sockets.size]).toEqual([true, 0]);
    const closed = await sockets.dial('tcp', remote.address);
    await closed.close();
    closed.resetAndDestroy();
    expect(sockets.stats().idle).toBe(1);
  });

  it("tells by 'timeout' also over a stream of a dialer that has no timeout of its own", async () => {
    const sockets = pool({
      dialer: { dial: () => Duplex.from({ readable: new PassThrough(), writable: new PassThrough() }) },
    });
    const socket = await sockets.dial('tcp', 'somewhere:1');
    let heard = 0;
    socket.setTimeout(20, () => (heard += 1));
    await inTime(once(socket, 'timeout'));
    expect([heard, socket.timeout]).toEqual([1, 20]);
    socket.destroy();
  });

  it('has a type of service, where the connection has one, for as long as it is lent', async () => {
    class Marked extends PassThrough {
      tos = 0;
      setTypeOfService(tos: number): void {
        if (!(tos <= 255)) throw new RangeError('tos');
        this.tos = tos;
      }
      getTypeOfService(): number {
        return this.tos;
      }
    }
    const marked = new Marked();
    const sockets = pool({ dialer: { dial: () => marked } });
    const socket = await sockets.dial('tcp', 'somewhere:1');
    expect(socket.setTypeOfService(16)).toBe(socket);
    expect(() => socket.setTypeOfService(256)).toThrow(RangeError);
    expect([socket.getTypeOfService(), marked.tos]).toEqual([16, 16]);
    await socket.close();
    expect([sockets.stats().idle, marked.tos]).toEqual([1, 0]);
    const none = pool({ dialer: { dial: () => new PassThrough() } });
    await using other = await none.dial('tcp', 'somewhere:1');
    expect(other.setTypeOfService(16).getTypeOfService()).toBe(0);
  });
});
