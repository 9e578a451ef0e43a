import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import type { Address, Dialer } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { countingConnections, silent } from './peers.js';
import { ask, inTime, rejection } from './talk.js';
import { until } from './until.js';

describe('host', () => {
  const { pool, peer } = loopback();

  it('[V3] rewrites the address at each real dial, never the key, never on reuse', async () => {
    const remote = await peer(countingConnections);
    const asked: string[] = [];
    const sockets = pool({
      host: (address) => {
        asked.push(address);
        return remote.address;
      },
    });
    for (const line of ['a', 'b']) {
      await using socket = await sockets.dial('tcp', 'device-7:502');
      expect(await ask(socket, line)).toBe(`1:${line}`);
    }
    expect(asked).toEqual(['device-7:502']);
    expect([sockets.idleCount('tcp', 'device-7:502'), sockets.idleCount('tcp', remote.address)]).toEqual([
      1, 0,
    ]);
    const socket = sockets.get({ network: 'tcp', address: 'device-7:502' });
    sockets.put(socket, { network: 'tcp', address: 'device-7:502' });
    await using fresh = await sockets.dial('tcp', 'device-7:502', { fresh: true });
    expect([await ask(fresh, 'c'), asked.length]).toEqual(['2:c', 2]);
  });

  it('[V3] may give a promise, and its errors are those of a dial', async () => {
    const remote = await peer(countingConnections);
    let outcome = (): string | Promise<string> => Promise.resolve(remote.address);
    const sockets = pool({ host: () => outcome(), dialBackoff: { initial: 1, max: 1 } });
    await using socket = await sockets.dial('tcp', 'device:1');
    expect(await ask(socket, 'a')).toBe('1:a');
    const reason = new Error('no such device');
    for (const bad of [
      () => Promise.reject(reason),
      () => {
        throw reason;
      },
    ]) {
      outcome = bad;
      expect(await rejection(sockets.dial('tcp', 'device:2'))).toMatchObject({
        code: 'ERR_DIAL',
        cause: reason,
      });
    }
    outcome = () => 'nowhere';
    expect(await rejection(sockets.dial('tcp', 'device:2'))).toMatchObject({
      code: 'ERR_DIAL',
      cause: { code: 'ERR_INVALID_ADDRESS', address: 'nowhere' },
    });
  });

  it('[V3] is under the deadline of the dial', async () => {
    const sockets = pool({ host: () => new Promise<string>(() => undefined), connectTimeout: 30 });
    expect(await inTime(rejection(sockets.dial('tcp', 'device:1')))).toMatchObject({ code: 'ERR_DIAL' });
    expect(await inTime(rejection(sockets.dial('tcp', 'device:2', { timeout: 10 })))).toMatchObject({
      code: 'ERR_ACQUIRE_TIMEOUT',
    });
    await until(() => sockets.size === 0);
  });
});

describe('resolveAddress', () => {
  const { pool, peer } = loopback();

  it('[V4] is asked at every dial; its answer is the key and what is dialled', async () => {
    const remote = await peer(countingConnections);
    const asked: unknown[] = [];
    const sockets = pool({
      resolveAddress: (network, address) => {
        asked.push([network, address]);
        return { network: 'tcp4', address: remote.address };
      },
    });
    for (const [name, answer] of [
      ['one:1', '1:x'],
      ['other:2', '1:x'],
    ] as const) {
      await using socket = await sockets.dial('tcp', name);
      expect(await ask(socket, 'x')).toBe(answer);
    }
    using lease = await sockets.acquire('tcp', 'third:3');
    expect(lease.reused).toBe(true);
    expect(asked).toEqual([
      ['tcp', 'one:1'],
      ['tcp', 'other:2'],
      ['tcp', 'third:3'],
    ]);
  });

  it('[V4] is asked for idleCount, too', async () => {
    const remote = await peer();
    let at = remote.address;
    const sockets = pool({ resolveAddress: (network) => ({ network, address: at }) });
    await (await sockets.dial('tcp', 'device:1')).close();
    expect(sockets.idleCount('tcp', 'device:1')).toBe(1);
    at = '127.0.0.1:9';
    expect(sockets.idleCount('tcp', 'device:1')).toBe(0);
  });

  it('[V4] may give a promise', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({
      resolveAddress: async (network): Promise<Address> => ({ network, address: remote.address }),
    });
    for (const line of ['a', 'b']) {
      await using socket = await sockets.dial('tcp', 'device:1');
      expect(await ask(socket, line)).toBe(`1:${line}`);
    }
    expect(sockets.idleCount('tcp', remote.address)).toBe(1);
  });

  it('[V4] that fails fails the dial with its own error, and counts nothing as idle', async () => {
    const reason = new Error('who?');
    for (const resolveAddress of [
      () => Promise.reject(reason),
      () => {
        throw reason;
      },
    ]) {
      const sockets = pool({ resolveAddress });
      expect(await rejection(sockets.dial('tcp', 'device:1'))).toBe(reason);
      expect(await rejection(sockets.acquire('tcp', 'device:1'))).toBe(reason);
      expect([sockets.idleCount('tcp', 'device:1'), sockets.size]).toEqual([0, 0]);
    }
  });

  it.each([undefined, null, 'localhost:1', {}, { network: 'tcp' }, { network: 'ip', address: 'a:1' }])(
    '[V4] [V24] that gives %j is told so, with the pool',
    async (given) => {
      const sockets = pool({ name: 'devices', resolveAddress: () => given as never });
      const error = await rejection(sockets.dial('tcp', 'device:1'));
      expect(error).toMatchObject({ pool: 'devices' });
      expect(error.message).toContain('devices');
    },
  );

  it('[V4] is under the deadline and the signal of the dial', async () => {
    const sockets = pool({ resolveAddress: () => new Promise<Address>(() => undefined) });
    expect(await inTime(rejection(sockets.dial('tcp', 'device:1', { timeout: 20 })), 1000)).toMatchObject({
      code: 'ERR_ACQUIRE_TIMEOUT',
    });
    const reason = new Error('enough');
    const abort = new AbortController();
    const dialling = rejection(sockets.dial('tcp', 'device:1', { signal: abort.signal }));
    abort.abort(reason);
    expect(await inTime(dialling, 1000)).toBe(reason);
  });

  it('[V4] is not asked for a dial that is aborted already, or on a closed pool', async () => {
    let asked = 0;
    const sockets = pool({ resolveAddress: (network, address) => ((asked += 1), { network, address }) });
    const reason = new Error('enough');
    const dialling = sockets.dial('tcp', 'device:1', { signal: AbortSignal.abort(reason) });
    expect(await rejection(dialling)).toBe(reason);
    await sockets.close();
    expect(await rejection(sockets.dial('tcp', 'device:1'))).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(asked).toBe(0);
  });
});

describe('a dialer', () => {
  const { pool, peer } = loopback();

  it('[V2] makes the connections, for any network, and they are kept like others', async () => {
    const remote = await peer(countingConnections);
    const asked: unknown[] = [];
    const dialer: Dialer = {
      async dial(network, address, { signal }) {
        asked.push([network, address, signal instanceof EventTarget || 'aborted' in signal]);
        const socket = net.connect({ port: remote.port, host: '127.0.0.1', noDelay: true });
        await once(socket, 'connect', { signal });
        return socket;
      },
    };
    const sockets = pool({ dialer });
    for (const reused of [false, true]) {
      await using socket = await sockets.dial('tcp', 'far-away:1');
      expect([await ask(socket, 'a'), socket.reused]).toEqual(['1:a', reused]);
    }
    expect(asked).toEqual([['tcp', 'far-away:1', true]]);
    remote.accepted[0]?.end();
    await until(() => sockets.size === 0);
  });

  it('[V2] is given the address as host has rewritten it', async () => {
    const asked: string[] = [];
    const sockets = pool({
      host: () => 'proxy:3128',
      dialer: { dial: (_, address) => (asked.push(address), new PassThrough()) },
    });
    await (await sockets.dial('tcp', 'device:1')).close();
    expect([asked, sockets.idleCount('tcp', 'device:1')]).toEqual([['proxy:3128'], 1]);
  });

  it('[V2] may give any stream that goes both ways', async () => {
    const sockets = pool({ dialer: { dial: () => new PassThrough() } });
    for (const reused of [false, true]) {
      const socket = await sockets.dial('tcp', 'nowhere:1');
      expect([await ask(socket, 'echo'), socket.reused]).toEqual(['echo', reused]);
      expect([socket.remoteAddress, socket.bytesRead, socket.address()]).toEqual([undefined, 0, {}]);
      socket.setTimeout(1000).setNoDelay(true).setKeepAlive(true).ref().unref();
      await socket.close();
    }
    expect(sockets.stats().totals).toMatchObject({ dialed: 1, reused: 1 });
  });

  it('[V2] that gives up with the signal ends a dial at connectTimeout', async () => {
    const aborted: unknown[] = [];
    const dialer: Dialer = {
      dial: (_network, _address, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            aborted.push(signal.reason);
            reject(signal.reason as Error);
          }),
        ),
    };
    const sockets = pool({ dialer, connectTimeout: 20 });
    expect(await inTime(rejection(sockets.dial('tcp', 'device:1')))).toMatchObject({
      code: 'ERR_DIAL',
      cause: { code: 'ERR_CALL_TIMEOUT', call: 'dial', timeout: 20 },
    });
    expect(aborted).toMatchObject([{ code: 'ERR_CALL_TIMEOUT' }]);
  });

  it('[V2] that is late has its connection closed', async () => {
    const remote = await peer(silent);
    let give: (socket: Socket) => void = () => undefined;
    const sockets = pool({
      dialer: { dial: () => new Promise<Socket>((resolve) => (give = resolve)) },
      connectTimeout: 10,
    });
    await rejection(sockets.dial('tcp', 'device:1'));
    const socket = net.connect(remote.port, '127.0.0.1');
    await once(socket, 'connect');
    give(socket);
    await until(() => socket.destroyed);
    expect(sockets.size).toBe(0);
  });

  it('[V2] [V24] that gives no stream is told so', async () => {
    for (const given of [undefined, null, {}, 'socket']) {
      const sockets = pool({ name: 'devices', dialer: { dial: () => given as never } });
      const error = await rejection(sockets.dial('tcp', 'device:1'));
      expect(error).toMatchObject({ code: 'ERR_DIAL', pool: 'devices' });
      expect(error.message).toMatch(/dialer|stream/);
    }
  });

  it('[V2] that gives a dead stream is told so, not taken for a connection', async () => {
    const sockets = pool({
      dialer: {
        dial: () => {
          const dead = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
          dead.destroy();
          return dead;
        },
      },
      acquireTimeout: 200,
    });
    expect(await inTime(rejection(sockets.dial('tcp', 'device:1')))).toMatchObject({
      code: expect.stringMatching(/ERR_DIAL|ERR_ACQUIRE_TIMEOUT/),
    });
  });
});

describe('the sockets of Node', () => {
  const { pool, peer } = loopback();
  const pem = (name: string): Buffer => readFileSync(new URL(`../faults/tls/${name}`, import.meta.url));
  const certificate = { key: pem('self-signed.key'), cert: pem('self-signed.pem') };
  const unverified = { rejectUnauthorized: false };

  it.each([
    [undefined, [14, 15]],
    ['30s', [29, 30]],
    [40_000, [39, 40]],
  ] as const)('[V2] are probed by the system after keepAlive: %s', async (keepAlive, [least, most]) => {
    const remote = await peer();
    await using socket = await pool({ keepAlive }).dial('tcp', remote.address);
    const timer = timerOf(socket.localPort as number);
    expect(timer?.kind).toBe('keep-alive');
    expect(timer?.seconds).toBeGreaterThanOrEqual(least);
    expect(timer?.seconds).toBeLessThanOrEqual(most);
  });

  it('[V2] are probed under TLS, too', async () => {
    const remote = await peer(silent, { tls: certificate });
    await using socket = await pool({ tls: unverified }).dial('tls', remote.address);
    await until(() => timerOf(socket.localPort as number)?.kind === 'keep-alive');
    expect(timerOf(socket.localPort as number)?.seconds).toBeLessThanOrEqual(15);
  });

  it('[V2] are not probed with keepAlive: false', async () => {
    const remote = await peer(silent, { tls: certificate });
    const sockets = pool({ keepAlive: false, tls: unverified });
    await using socket = await sockets.dial('tls', remote.address);
    // What is sent last is acknowledged in a moment.
    await until(() => timerOf(socket.localPort as number)?.kind === 'none');
    const plain = await peer();
    await using other = await sockets.dial('tcp', plain.address);
    expect(timerOf(other.localPort as number)?.kind).toBe('none');
  });

  it('[V2] give up at connectTimeout, and leave no socket', async () => {
    // A documentation address: nothing answers there, or the network says at once that it cannot be reached.
    const sockets = pool({ connectTimeout: 50 });
    const error = await inTime(rejection(sockets.dial('tcp', '192.0.2.1:9')));
    expect(error).toMatchObject({
      code: 'ERR_DIAL',
      cause: { code: expect.stringMatching(/ERR_CALL_TIMEOUT|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|EACCES/) },
    });
    expect(sockets.size).toBe(0);
  });

  it('[V2] are let go when the dial is aborted, with the reason of the signal itself', async () => {
    const remote = await peer();
    const sockets = pool();
    const reason = { why: 'enough' };
    const abort = new AbortController();
    const dialling = rejection(sockets.dial('tcp', remote.address, { signal: abort.signal }));
    abort.abort(reason);
    expect(await dialling).toBe(reason);
    // The dial goes on, for whoever comes next.
    await until(() => sockets.stats().dialing === 0);
    expect(sockets.stats().idle).toBe(1);
    const aborted = { signal: AbortSignal.abort(reason) };
    expect(await rejection(sockets.dial('tcp', remote.address, aborted))).toBe(reason);
  });

  /** What the kernel waits for on the socket of this local port: the columns tr and tm->when of /proc/net/tcp. */
  function timerOf(port: number): { kind: string; seconds: number } | undefined {
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[1]?.endsWith(local) !== true || columns[3] !== '01') continue;
      const [kind = '', jiffies = ''] = columns[5]?.split(':') ?? [];
      const kinds: Record<string, string> = { '00': 'none', '01': 'retransmit', '02': 'keep-alive' };
      return { kind: kinds[kind] ?? kind, seconds: parseInt(jiffies, 16) / 100 };
    }
    return undefined;
  }
});
