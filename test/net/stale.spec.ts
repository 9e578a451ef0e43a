import { once } from 'node:events';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { StaleConnectionError } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { answering, countingConnections, type Peer, type Script } from './peers.js';
import { ask, inTime, readAll, rejection } from './talk.js';
import { until } from './until.js';

const MEBIBYTE = 1024 * 1024;

/**
 * Answers the first line of each connection; the first connection dies of its second line, unanswered. To its user it is
 * as if the peer had hung up while it was idle, and the news had been on its way.
 */
const dyingOnce = (death: (socket: Socket) => void): Script =>
  answering((line, socket, number) => {
    const lines = ((socket as { lines?: number }).lines ?? 0) + 1;
    Object.assign(socket, { lines });
    if (number > 1 || lines === 1) return `${number}:${line}`;
    death(socket);
    return undefined;
  });

const DEATHS = [
  ['hangs up', (socket: Socket) => void socket.destroy()],
  ['resets it', (socket: Socket) => void socket.resetAndDestroy()],
] as const;

describe('a reused connection that turns out dead', () => {
  const { pool, peer } = loopback();

  /** A pool whose next dial gives a reused connection that dies of what is written to it. */
  async function aboutToFail(death: (socket: Socket) => void, options = {}) {
    const remote = await peer(dyingOnce(death));
    const sockets = pool(options);
    const socket = await sockets.dial('tcp', remote.address);
    await ask(socket, 'a');
    await socket.close();
    return { remote, sockets };
  }

  describe.each(DEATHS)('when the peer %s', (_, death) => {
    it('[V9] is replaced without a word before anything was written', async () => {
      const remote = await peer(countingConnections);
      const sockets = pool();
      await (await sockets.dial('tcp', remote.address)).close();
      const socket = await sockets.dial('tcp', remote.address);
      expect(socket.reused).toBe(true);
      const heard: unknown[] = [];
      for (const event of ['error', 'end', 'close']) socket.on(event, () => heard.push(event));
      death(await remote.connection(1));
      await until(() => !socket.reused);
      expect(await ask(socket, 'b')).toBe('2:b');
      expect(heard).toEqual([]);
      await socket.close();
      expect(sockets.stats()).toMatchObject({ size: 1, idle: 1, totals: { dialed: 2 } });
    });

    it('[V9] is replaced while its user waits for an answer, and what was written is written again', async () => {
      const { remote, sockets } = await aboutToFail(death);
      const socket = await sockets.dial('tcp', remote.address, { replay: true });
      expect(socket.reused).toBe(true);
      const port = socket.localPort;
      expect([await ask(socket, 'b'), socket.reused]).toEqual(['2:b', false]);
      expect(socket.localPort).not.toBe(port);
      expect(await ask(socket, 'c')).toBe('2:c');
      await socket.close();
      await using again = await sockets.dial('tcp', remote.address);
      expect([await ask(again, 'd'), sockets.size]).toEqual(['2:d', 1]);
    });

    it('[V9] [V24] fails with an error that says it is safe to retry, where nothing may be written twice', async () => {
      const { remote, sockets } = await aboutToFail(death, { name: 'devices' });
      const socket = await sockets.dial('tcp', remote.address);
      const error = await rejection(ask(socket, 'b'));
      expect(error).toBeInstanceOf(StaleConnectionError);
      expect(error).toMatchObject({
        code: 'ERR_STALE_CONNECTION',
        retryable: true,
        pool: 'devices',
        network: 'tcp',
        address: remote.address,
      });
      expect(error.message).toMatch(/Dial again .* "replay"/);
      await until(() => sockets.size === 0);
      await using again = await sockets.dial('tcp', remote.address);
      expect([await ask(again, 'b'), remote.accepted.length]).toEqual(['2:b', 2]);
    });
  });

  const death = DEATHS[0][1];

  it.each([
    ['true, up to 64 KiB', true, 64 * 1024, true],
    ['true, no more than 64 KiB', true, 64 * 1024 + 1, false],
    ['a number', 10, 10, true],
    ['a number', 10, 11, false],
    ['0', 0, 1, false],
    ['false', false, 1, false],
  ])('[V9] replays what was written with replay: %s', async (_, replay, length, isReplayed) => {
    const { remote, sockets } = await aboutToFail(death);
    const socket = await sockets.dial('tcp', remote.address, { replay });
    const line = 'x'.repeat(length - 1);
    if (isReplayed) expect(await ask(socket, line)).toBe(`2:${line}`);
    else expect(await rejection(ask(socket, line))).toBeInstanceOf(StaleConnectionError);
    await socket.close();
  });

  it('[V9] replays more than the connection takes at once, to one who has ended it', async () => {
    const remote = await peer((socket, number) => {
      if (number === 1) return void socket.resume().on('end', () => socket.destroy());
      let got = 0;
      socket.pause().on('data', (chunk: Buffer) => (got += chunk.length));
      socket.on('end', () => socket.end(String(got)));
      setTimeout(() => socket.resume(), 50);
    });
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address, { replay: 64 * MEBIBYTE });
    expect(socket.reused).toBe(true);
    const chunk = Buffer.alloc(MEBIBYTE, 'x');
    for (let at = 0; at < 15; at += 1) socket.write(chunk);
    socket.end(chunk);
    const answer = readAll(socket);
    expect(await inTime(answer)).toBe(String(16 * MEBIBYTE));
    await inTime(finished(socket));
    expect([socket.reused, socket.errored]).toEqual([false, null]);
  });

  it('[V9] is replayed when the pool says so, unless the dial does not', async () => {
    const { remote, sockets } = await aboutToFail(death, { replay: true });
    const strict = await sockets.dial('tcp', remote.address, { replay: false });
    expect(await rejection(ask(strict, 'b'))).toBeInstanceOf(StaleConnectionError);
    const other = await aboutToFail(death, { replay: true });
    await using socket = await other.sockets.dial('tcp', other.remote.address);
    expect(await ask(socket, 'b')).toBe('2:b');
  });

  it('[V9] gets all that was written once, in order, also what is written while it is replaced', async () => {
    const { remote, sockets } = await aboutToFail(death);
    const socket = await sockets.dial('tcp', remote.address, { replay: true });
    const answers: string[] = [];
    socket.on('data', (chunk) => answers.push(...String(chunk).split('\n').slice(0, -1)));
    socket.write('b\n');
    socket.cork();
    socket.write('c\n');
    socket.write('d\n');
    socket.uncork();
    await until(() => (remote.accepted[0] as Socket).destroyed);
    socket.write('e\n');
    await until(() => answers.length === 4);
    socket.write('f\n');
    await until(() => answers.length === 5);
    expect(answers).toEqual(['2:b', '2:c', '2:d', '2:e', '2:f']);
    await socket.close();
  });

  it('[V9] is replaced by a new connection, not by another that has been idle as long', async () => {
    const { remote, sockets } = await aboutToFail(death);
    const [one, other] = [
      await sockets.dial('tcp', remote.address),
      await sockets.dial('tcp', remote.address),
    ];
    await ask(other, 'b');
    await other.close();
    await one.close();
    const socket = await sockets.dial('tcp', remote.address, { replay: true });
    expect([await ask(socket, 'c'), sockets.idleCount('tcp', remote.address)]).toEqual(['3:c', 1]);
    await socket.close();
  });

  it('[V9] is not replaced once a byte of an answer has come: the end is the end', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ replay: true });
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    expect([await ask(socket, 'a'), socket.reused]).toEqual(['1:a', true]);
    remote.accepted[0]?.end();
    await once(socket.resume(), 'end');
    expect([remote.accepted.length, socket.reused]).toEqual([1, true]);
  });

  it('[V9] is replaced once, not for ever: the second death is told', async () => {
    let connections = 0;
    const remote = await peer(
      answering((line, socket) => {
        if (line === 'first') return 'ok';
        connections += 1;
        socket.destroy();
        return undefined;
      }),
    );
    const sockets = pool({ replay: true });
    const first = await sockets.dial('tcp', remote.address);
    await ask(first, 'first');
    await first.close();
    const socket = await sockets.dial('tcp', remote.address);
    await expect(ask(socket, 'b')).rejects.toThrow('it ended');
    expect(connections).toBe(2);
    await socket.close();
  });

  it('[V9] is not replaced when it was dialled for this user: the death of a new one is told', async () => {
    const remote = await peer((socket) => void socket.end());
    const sockets = pool({ replay: true });
    const socket = await sockets.dial('tcp', remote.address);
    await once(socket.resume(), 'end');
    expect([remote.accepted.length, socket.reused]).toEqual([1, false]);
  });

  it('[V9] tells its user what the new dial failed with, when that fails', async () => {
    const { remote, sockets } = await aboutToFail(death);
    const socket = await sockets.dial('tcp', remote.address, { replay: true });
    const failed = once(socket, 'error');
    (await remote.connection(1)).once('close', () => void remote.close());
    socket.write('b\n');
    const [error] = await inTime(failed);
    expect(error).toMatchObject({ code: 'ERR_DIAL', cause: { code: 'ECONNREFUSED' } });
    expect([socket.destroyed, sockets.size]).toEqual([true, 0]);
  });

  it('[V9] gets a new connection under the signal and the deadline of its dial', async () => {
    let isHeld = false;
    const host = (address: string) => (isHeld ? new Promise<string>(() => undefined) : address);
    const reason = new Error('enough');
    for (const how of ['timeout', 'signal'] as const) {
      const abort = new AbortController();
      const options = how === 'timeout' ? { timeout: 50 } : { signal: abort.signal };
      isHeld = false;
      const { remote, sockets } = await aboutToFail(death, { host });
      const socket = await sockets.dial('tcp', remote.address, { replay: true, ...options });
      isHeld = true;
      const failed = once(socket, 'error');
      socket.write('b\n');
      await until(() => sockets.stats().dialing === 1);
      if (how === 'signal') abort.abort(reason);
      const [error] = await inTime(failed);
      if (how === 'signal') expect(error).toBe(reason);
      else expect(error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT' });
    }
  });

  /** A dead connection about to be replaced, as soon as `go` is called. */
  async function beingReplaced(options: { replay?: boolean } = { replay: true }) {
    let go: () => void = () => undefined;
    let isHeld = false;
    const host = (address: string): string | Promise<string> =>
      isHeld ? new Promise<string>((resolve) => (go = () => resolve(address))) : address;
    const { remote, sockets } = await aboutToFail(death, { host });
    isHeld = true;
    const socket = await sockets.dial('tcp', remote.address, options);
    socket.write('b\n');
    await until(() => sockets.stats().dialing === 1);
    return { remote, sockets, socket, go: () => go() };
  }

  it('[V9] holds what is written meanwhile, and sends it in its turn', async () => {
    const { socket, go } = await beingReplaced();
    const answers: string[] = [];
    socket.on('data', (chunk) => answers.push(...String(chunk).split('\n').slice(0, -1)));
    const called: string[] = [];
    for (const line of ['c', 'd']) socket.write(`${line}\n`, () => called.push(line));
    await new Promise((resolve) => setImmediate(resolve));
    expect(called).toEqual([]);
    go();
    await until(() => answers.length === 3);
    expect([answers, called]).toEqual([
      ['2:b', '2:c', '2:d'],
      ['c', 'd'],
    ]);
    await socket.close();
  });

  it('[V9] is ended when its user ends it meanwhile', async () => {
    const { socket, go, remote } = await beingReplaced();
    socket.end('c\n');
    go();
    expect(await inTime(readAll(socket))).toBe('2:b\n2:c\n');
    await until(() => remote.open.length === 0);
  });

  it('[V9] takes its time for close(), which waits for what is to be written', async () => {
    const { socket, go, sockets } = await beingReplaced();
    let isClosed = false;
    const closing = socket.close().then(() => (isClosed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    go();
    await inTime(closing);
    await until(() => sockets.stats().leased === 0);
  });

  it.each(['without an error', 'with one'])(
    'is let go when its user destroys it meanwhile, %s',
    async (how) => {
      const { socket, go, sockets } = await beingReplaced();
      if (how === 'without an error') socket.destroy();
      else socket.on('error', () => undefined).destroy(new Error('mine'));
      go();
      await until(() => sockets.stats().dialing === 0);
      await until(() => sockets.stats().leased === 0);
    },
  );

  it('[V14] cannot be taken raw meanwhile', async () => {
    const { socket, go } = await beingReplaced();
    expect(() => socket.raw()).toThrow(expect.objectContaining({ code: 'ERR_CONN_BUSY' }));
    const answer = once(socket, 'data');
    go();
    await answer;
    socket.raw().destroy();
  });

  it('[V9] writes again what was written, also where its user has used the buffer for something else', async () => {
    const { remote, sockets } = await aboutToFail(death);
    const socket = await sockets.dial('tcp', remote.address, { replay: true });
    const buffer = Buffer.from('b\n');
    await new Promise((resolve) => void socket.write(buffer, resolve));
    buffer.fill('x');
    expect(String((await inTime(once(socket, 'data')))[0])).toBe('2:b\n');
    await socket.close();
  });

  it('[V9] is replaced also when the signal of its dial has fired since: that was over long ago', async () => {
    const { remote, sockets } = await aboutToFail(death);
    const abort = new AbortController();
    const socket = await sockets.dial('tcp', remote.address, { replay: true, signal: abort.signal });
    abort.abort(new Error('the dial is over'));
    expect(await inTime(ask(socket, 'b'))).toBe('2:b');
    await socket.close();
  });

  it('keeps the timeout its user has set', async () => {
    const { remote, sockets } = await aboutToFail(death);
    const socket = await sockets.dial('tcp', remote.address, { replay: true });
    const timedOut = once(socket, 'timeout');
    socket.setTimeout(100);
    expect(await ask(socket, 'b')).toBe('2:b');
    await inTime(timedOut);
    await socket.close();
  });

  it.each([true, false])(
    '[V9] that dies in the middle of a large write is replaced, or fails as stale: replay allows it: %s',
    async (isAllowed) => {
      const flood = Buffer.alloc(20_000_000, 'x');
      const remote = await peer((socket, number) => {
        if (number === 1) socket.once('data', (line) => socket.pause().write(line));
        else socket.resume();
      });
      const sockets = pool();
      const first = await sockets.dial('tcp', remote.address);
      await ask(first, 'a');
      await first.close();
      const socket = await sockets.dial('tcp', remote.address, { replay: isAllowed ? flood.length : 1000 });
      const failed = isAllowed ? undefined : rejection(once(socket, 'data'));
      const told = new Promise<unknown>((resolve) => void socket.write(flood, resolve));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(socket.writableLength).toBeGreaterThan(0);
      remote.accepted[0]?.resetAndDestroy();
      const error = await inTime(told);
      if (isAllowed) {
        expect([error ?? null, socket.reused]).toEqual([null, false]);
        await until(() => remote.accepted[1]?.bytesRead === flood.length);
      } else {
        expect(error).toBeInstanceOf(StaleConnectionError);
        expect(await inTime(failed as Promise<unknown>)).toBe(error);
      }
      await socket.close();
    },
  );

  it('[V9] is ended when its user has ended it, for a peer that answers at the end', async () => {
    let number = 0;
    const remote: Peer = await peer(
      (socket) => {
        const mine = (number += 1);
        let got = '';
        socket.on('data', (chunk) => {
          got += String(chunk);
          if (mine === 1 && got === 'warm\n') socket.write('ok\n');
          else if (mine === 1) socket.destroy();
        });
        socket.on('end', () => socket.end(`${mine}:${got}`));
      },
      { allowHalfOpen: true },
    );
    const sockets = pool();
    const first = await sockets.dial('tcp', remote.address);
    await ask(first, 'warm');
    await first.close();
    const socket = await sockets.dial('tcp', remote.address, { replay: true });
    socket.end('request');
    expect(await inTime(readAll(socket))).toBe('2:request');
    await socket.close();
  });
});
