import {
  InvalidTcpOptionsError,
  PackageTooLargeError,
  tcpSend,
  tcpSendPkg,
  tcpSendRecv,
  tcpSendRecvPkg,
  TcpTimeoutError,
} from 'nestjs-conn-pool/tcp';
import { refusing } from '../net/peers.js';
import { inTime, rejection } from '../net/talk.js';
import { until } from '../net/until.js';
import { loopback, mute } from './loopback.js';

type Call = (address: string, options?: object) => Promise<unknown>;
const CALLS: [string, Call][] = [
  ['tcpSend', (address, options) => tcpSend(address, 'a', options)],
  ['tcpSendRecv', (address, options) => tcpSendRecv(address, 'a', 1, options)],
  ['tcpSendPkg', (address, options) => tcpSendPkg(address, 'a', options)],
  ['tcpSendRecvPkg', (address, options) => tcpSendRecvPkg(address, 'a', options)],
];

describe('a connection for one call', () => {
  const { peer } = loopback();

  it('[G16] sends, and closes', async () => {
    const received: Buffer[] = [];
    const remote = await peer((socket) => void socket.on('data', (chunk) => received.push(chunk)));
    await tcpSend(remote.address, 'hello');
    await tcpSendPkg(remote.address, 'hello', { headerSize: 1 });
    await remote.abandoned();
    expect(Buffer.concat(received).toString('hex')).toBe('68656c6c6f0568656c6c6f');
  });

  it('[G16] sends, takes the answer, and closes', async () => {
    const remote = await peer();
    expect(String(await tcpSendRecv(remote.address, 'hello', -1))).toBe('hello');
    expect(String(await tcpSendRecvPkg(remote.address, 'hello', { headerSize: 4 }))).toBe('hello');
    await remote.abandoned();
    expect(remote.accepted).toHaveLength(2);
  });

  it('[G16] sends megabytes before it closes', async () => {
    let received = 0;
    const remote = await peer(
      (socket) => void socket.on('data', (chunk: Buffer) => (received += chunk.length)),
    );
    await tcpSend(remote.address, Buffer.alloc(5_000_000));
    await until(() => received === 5_000_000);
  });

  it.each(CALLS)('[G16] %s tells when it is refused', async (_name, call) => {
    expect(await rejection(call(await refusing()))).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it.each(CALLS)('[G16] %s refuses bad options and dials nothing', async (_name, call) => {
    const remote = await peer();
    for (const options of [{ timeout: -1 }, { nothing: 1 }, { retry: 1 }]) {
      expect(await rejection(call(remote.address, options))).toBeInstanceOf(InvalidTcpOptionsError);
    }
    expect(remote.accepted).toEqual([]);
  });

  it.each(CALLS.filter(([name]) => name.includes('Recv')))(
    '[G16] the timeout of %s covers all of it',
    async (_name, call) => {
      const remote = await peer(mute);
      expect(await rejection(inTime(call(remote.address, { timeout: 50 })))).toBeInstanceOf(TcpTimeoutError);
      await remote.abandoned();
    },
  );

  it.each(CALLS)('[G16] a signal ends %s', async (_name, call) => {
    const reason = new Error('no');
    expect(await rejection(call((await peer()).address, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('[G16] what does not fit into a package is not sent, and the connection is closed', async () => {
    const remote = await peer();
    expect(await rejection(tcpSendPkg(remote.address, Buffer.alloc(65_536)))).toBeInstanceOf(
      PackageTooLargeError,
    );
    expect(await rejection(tcpSendRecvPkg(remote.address, Buffer.alloc(65_536)))).toBeInstanceOf(
      PackageTooLargeError,
    );
    await remote.abandoned();
  });
});
