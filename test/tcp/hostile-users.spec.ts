import { ConnPoolError } from 'nestjs-conn-pool/core';
import { PackageDecoder, TcpConn, TcpPool, TcpServer, tcpSend } from 'nestjs-conn-pool/tcp';
import { echo } from '../net/peers.js';
import { inTime, thrown } from '../net/talk.js';
import { loopback } from './loopback.js';

const unreadable = new Proxy(
  {},
  {
    get: () => {
      throw new Error('do not look');
    },
    ownKeys: () => {
      throw new Error('do not look');
    },
  },
);

/** What no argument of anything is. */
const NONSENSE: [string, unknown][] = [
  ['null', null],
  ['a symbol', Symbol('x')],
  ['a function', () => 1],
  ['an object', { some: 'thing' }],
  ['what cannot be read', unreadable],
  ['a big integer', 10n],
  ['an array', [[]]],
];

type Call = (conn: TcpConn, nonsense: never) => unknown;
const CALLS: [string, Call][] = [
  ['send', (conn, nonsense) => conn.send(nonsense)],
  ['send with options', (conn, nonsense) => conn.send('a', nonsense)],
  ['send with a timeout', (conn, nonsense) => conn.send('a', { timeout: nonsense })],
  ['send with a signal', (conn, nonsense) => conn.send('a', { signal: nonsense })],
  ['send with a retry', (conn, nonsense) => conn.send('a', { retry: nonsense })],
  ['recv', (conn, nonsense) => conn.recv(nonsense)],
  ['recv with options', (conn, nonsense) => conn.recv(1, nonsense)],
  ['recv with maxBytes', (conn, nonsense) => conn.recv(1, { maxBytes: nonsense })],
  ['recvLine with options', (conn, nonsense) => conn.recvLine(nonsense)],
  ['recvLines with options', (conn, nonsense) => conn.recvLines(nonsense)],
  ['recvTill', (conn, nonsense) => conn.recvTill(nonsense)],
  ['recvTill with options', (conn, nonsense) => conn.recvTill('a', nonsense)],
  ['sendRecv', (conn, nonsense) => conn.sendRecv(nonsense, 1)],
  ['sendRecv of a length', (conn, nonsense) => conn.sendRecv('a', nonsense)],
  ['sendRecv with options', (conn, nonsense) => conn.sendRecv('a', 1, nonsense)],
  ['sendPkg', (conn, nonsense) => conn.sendPkg(nonsense)],
  ['sendPkg with options', (conn, nonsense) => conn.sendPkg('a', nonsense)],
  ['sendPkg with a header', (conn, nonsense) => conn.sendPkg('a', { headerSize: nonsense })],
  ['sendPkg with a limit', (conn, nonsense) => conn.sendPkg('a', { maxDataSize: nonsense })],
  ['sendPkgs', (conn, nonsense) => conn.sendPkgs(nonsense)],
  ['sendPkgs of one', (conn, nonsense) => conn.sendPkgs([nonsense])],
  ['sendPkgs with options', (conn, nonsense) => conn.sendPkgs(['a'], nonsense)],
  ['recvPkg with options', (conn, nonsense) => conn.recvPkg(nonsense)],
  ['recvPkgs with options', (conn, nonsense) => conn.recvPkgs(nonsense)],
  ['sendRecvPkg', (conn, nonsense) => conn.sendRecvPkg(nonsense)],
  ['sendRecvPkg with options', (conn, nonsense) => conn.sendRecvPkg('a', nonsense)],
];
/** These give no promise: they throw. */
const THROWERS: [string, Call][] = [
  ['lines', (conn, nonsense) => conn.lines(nonsense)],
  ['lineBatches', (conn, nonsense) => conn.lineBatches(nonsense)],
  ['packages', (conn, nonsense) => conn.packages(nonsense)],
  ['packageBatches', (conn, nonsense) => conn.packageBatches(nonsense)],
  ['setDeadline', (conn, nonsense) => conn.setDeadline(nonsense)],
  ['setRecvDeadline', (conn, nonsense) => conn.setRecvDeadline(nonsense)],
  ['setSendDeadline', (conn, nonsense) => conn.setSendDeadline(nonsense)],
  ['setRecvBufferWait', (conn, nonsense) => conn.setRecvBufferWait(nonsense)],
  ['fromSocket', (_conn, nonsense) => TcpConn.fromSocket(nonsense)],
  ['a decoder', (_conn, nonsense) => new PackageDecoder(nonsense)],
  ['a decoder, pushing', (_conn, nonsense) => new PackageDecoder().push(nonsense)],
  ['a pool', (_conn, nonsense) => new TcpPool(nonsense)],
  ['a server', (_conn, nonsense) => new TcpServer(nonsense)],
  ['a server of an address', (_conn, nonsense) => new TcpServer({ address: nonsense })],
];

const isProper = (error: unknown): boolean => error instanceof ConnPoolError || error instanceof TypeError;

describe('users who give nonsense', () => {
  const { pair, pool } = loopback();

  it.each(CALLS)(
    'to %s are refused by a rejection, nothing is sent, and the connection is as good as before',
    async (_name, call) => {
      const { conn } = await pair(echo);
      for (const [what, nonsense] of NONSENSE) {
        const outcome = call(conn, nonsense as never);
        expect(outcome).toBeInstanceOf(Promise);
        const error: unknown = await inTime(outcome as Promise<unknown>).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect([what, isProper(error)]).toEqual([what, true]);
      }
      expect(String(await inTime(conn.sendRecv('hello', 5)))).toBe('hello');
    },
  );

  it.each(THROWERS)('to %s are refused', async (name, call) => {
    const { conn } = await pair(echo);
    for (const [what, nonsense] of NONSENSE) {
      // There it means none.
      if (nonsense === null && name.endsWith('Deadline')) continue;
      expect([what, isProper(thrown(() => call(conn, nonsense as never)))]).toEqual([what, true]);
    }
    expect(String(await inTime(conn.sendRecv('hello', 5)))).toBe('hello');
  });

  it('to a pool and to a call with a connection of its own are refused by a rejection', async () => {
    const pooled = pool();
    for (const [, nonsense] of NONSENSE) {
      const byAddress = [
        () => pooled.get(nonsense as string),
        () => tcpSend(nonsense as string, 'a'),
        () => TcpConn.connect(nonsense as string),
      ];
      for (const call of [
        ...(nonsense === unreadable ? [] : byAddress),
        () => pooled.get('127.0.0.1:1', nonsense as object),
        () => tcpSend('127.0.0.1:1', 'a', nonsense as object),
        () => TcpConn.connect('127.0.0.1:1', nonsense as object),
      ]) {
        const error: unknown = await inTime<unknown>(call()).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(isProper(error)).toBe(true);
      }
    }
    expect(pooled.size).toBe(0);
  });
});
