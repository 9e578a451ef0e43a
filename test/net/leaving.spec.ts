import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { loopback } from './loopback.js';
import { answering, deaf, type Peer, silent } from './peers.js';
import { inTime, readAll, rejection } from './talk.js';
import { until } from './until.js';

/**
 * An `'error'` that nobody listens to ends the process, and here the test: none of these listens.
 */
describe('a user who has left', () => {
  const { pool, peer } = loopback();

  const turns = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  /** A peer that takes in all there is, answers nothing, and ends when its client ends. */
  async function sink(): Promise<{ remote: Peer; got: string[] }> {
    const got: string[] = [];
    const remote = await peer((socket) => {
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('end', () => got.push(text));
    });
    return { remote, got };
  }

  it.each(['close()', 'await using'])('hears nothing of a redial that fails, by %s', async (how) => {
    let go: () => void = () => undefined;
    let isHeld = false;
    const host = (address: string): string | Promise<string> =>
      isHeld ? new Promise<string>((resolve) => (go = () => resolve(address))) : address;
    const remote = await peer(silent);
    const sockets = pool({ host });
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    isHeld = true;
    await remote.close();
    await until(() => sockets.stats().dialing > 0);
    const closing = how === 'close()' ? socket.close() : socket[Symbol.asyncDispose]();
    go();
    await inTime(closing);
    await turns();
    expect(sockets.size).toBe(0);
  });

  it('hears nothing of a deadline that passes while close() waits for what is being written', async () => {
    const remote = await peer(deaf);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.setDeadline(Date.now() + 30);
    const told = new Promise((resolve) => void socket.write(Buffer.alloc(20_000_000), resolve));
    await inTime(socket.close());
    expect(await told).toMatchObject({ code: 'ETIMEDOUT' });
    await turns();
    expect(sockets.size).toBe(0);
  });

  it.each(['the pool is closing', 'nobody can be dialled'])(
    'and one who has said nothing yet, and listens to nothing, hear nothing of a redial that fails because %s',
    async (why) => {
      const remote = await peer(silent);
      const sockets = pool();
      await (await sockets.dial('tcp', remote.address)).close();
      const socket = await sockets.dial('tcp', remote.address);
      const closed = new Promise<void>((resolve) => void socket.on('close', resolve));
      const closing = why === 'the pool is closing' ? sockets.close() : undefined;
      if (closing === undefined) await remote.close();
      else remote.accepted[0]?.end();
      await inTime(closed);
      await turns();
      await closing;
      expect(sockets.size).toBe(0);
    },
  );

  it('and one who has written, and listens to nothing, hear nothing when the pool closes instead of dialling', async () => {
    const remote = await peer((theirs) => void theirs.once('data', () => theirs.destroy()));
    const sockets = pool({ replay: true });
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    const closing = sockets.close();
    const closed = new Promise<void>((resolve) => void socket.on('close', resolve));
    socket.write('a');
    await inTime(closed);
    await inTime(closing);
    expect(socket.errored).toBeNull();
  });

  it('who asks why gets the error of the redial all the same', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    const reading = rejection(readAll(socket));
    const closing = sockets.close();
    remote.accepted[0]?.end();
    expect(await inTime(reading)).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    await closing;
  });

  it.each([false, true])(
    '[V9] has ended his side, and the peer then its own: that is an end, with replay: %s',
    async (replay) => {
      const { remote, got } = await sink();
      const sockets = pool({ replay });
      for (const how of ['end', 'pipeline', 'resume']) {
        await (await sockets.dial('tcp', remote.address)).close();
        const socket = await sockets.dial('tcp', remote.address);
        expect(socket.reused).toBe(true);
        const closed = new Promise<void>((resolve) => void socket.on('close', resolve));
        if (how === 'pipeline') await pipeline(Readable.from(['a log line\n']), socket);
        else if (how === 'end') socket.end('a log line\n');
        else socket.resume().end('a log line\n');
        await inTime(closed);
        expect(socket.reused).toBe(true);
      }
      expect(got).toEqual(['a log line\n', 'a log line\n', 'a log line\n']);
      expect([remote.accepted.length, sockets.size]).toEqual([3, 0]);
    },
  );

  it('[V9] has ended his side with nothing said: no new connection is made for that', async () => {
    const { remote } = await sink();
    const sockets = pool();
    for (const reset of [false, true]) {
      await (await sockets.dial('tcp', remote.address)).close();
      const socket = await sockets.dial('tcp', remote.address);
      const before = remote.accepted.length;
      const closed = new Promise<void>((resolve) => void socket.on('close', resolve));
      if (reset) remote.accepted.at(-1)?.resetAndDestroy();
      socket.resume().end();
      await inTime(closed);
      expect(remote.accepted.length).toBe(before);
    }
    expect(sockets.size).toBe(0);
  });

  it('[V9] waits for an answer behind his end: an end without one is no answer of a reused connection', async () => {
    const { remote, got } = await sink();
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    const socket = await sockets.dial('tcp', remote.address);
    socket.end('question');
    expect(await inTime(rejection(readAll(socket)))).toMatchObject({ code: 'ERR_STALE_CONNECTION' });
    expect(got).toEqual(['question']);
  });
});

describe('what is written while a dead connection is replaced', () => {
  const { pool, peer } = loopback();

  /** A reused connection that has died, and whose replacement waits for `go`. */
  async function beingReplaced(options: { replay?: boolean | number }, written?: string) {
    let go: () => void = () => undefined;
    let isHeld = false;
    const host = (address: string): string | Promise<string> =>
      isHeld ? new Promise<string>((resolve) => (go = () => resolve(address))) : address;
    const remote = await peer(
      answering((line, socket, number) => {
        if (number > 1) return `${number}:${line}`;
        socket.destroy();
        return undefined;
      }),
    );
    const sockets = pool({ host });
    await (await sockets.dial('tcp', remote.address)).close();
    isHeld = true;
    const socket = await sockets.dial('tcp', remote.address, options);
    const answers: string[] = [];
    socket.on('data', (chunk) => answers.push(...String(chunk).split('\n').slice(0, -1)));
    if (written === undefined) remote.accepted[0]?.end();
    else socket.write(written);
    await until(() => sockets.stats().dialing === 1);
    return { remote, sockets, socket, answers, go: () => go() };
  }

  it.each([false, true])('[V9] arrives, all of it, once and in order, with replay: %s', async (replay) => {
    const { socket, answers, go } = await beingReplaced({ replay });
    const told: unknown[] = [];
    for (const line of ['b', 'c', 'd']) socket.write(`${line}\n`, (error) => told.push(error ?? line));
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    go();
    await inTime(until(() => answers.length === 3));
    expect(answers).toEqual(['2:b', '2:c', '2:d']);
    expect(told).toEqual(['b', 'c', 'd']);
    await socket.close();
  });

  it('[V9] is no repetition, and does not count as one', async () => {
    const { socket, answers, go } = await beingReplaced({ replay: 10 }, 'first\n');
    socket.write('longer than what may be written twice\n');
    go();
    await inTime(until(() => answers.length === 2));
    expect(answers).toEqual(['2:first', '2:longer than what may be written twice']);
    await socket.close();
  });

  it('[V9] arrives also when its user closes meanwhile', async () => {
    const { socket, go, remote } = await beingReplaced({});
    socket.write('b\n');
    const closing = socket.close();
    go();
    await inTime(closing);
    await until(() => remote.accepted[1]?.bytesRead === 2);
  });

  it('[V9] fails when that fails: no callback says that it was written', async () => {
    const { socket, go, remote } = await beingReplaced({});
    const failed = once(socket, 'error');
    const told = ['b', 'c'].map((line) => new Promise((resolve) => void socket.write(line, resolve)));
    await remote.close();
    go();
    const [error] = await inTime(failed);
    expect(error).toMatchObject({ code: 'ERR_DIAL' });
    for (const each of told) expect(await inTime(each)).toBeInstanceOf(Error);
  });

  it('[V9] fails when its user destroys the socket meanwhile', async () => {
    const { socket, go } = await beingReplaced({});
    const told = ['b', 'c'].map((line) => new Promise((resolve) => void socket.write(line, resolve)));
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    for (const each of told) expect(await inTime(each)).toBeInstanceOf(Error);
    go();
  });
});
