import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopback } from './loopback.js';
import { countingConnections } from './peers.js';
import { ask, rejection } from './talk.js';
import { until } from './until.js';

describe('a Unix socket', () => {
  const { pool, peer } = loopback();
  const folder = mkdtempSync(join(tmpdir(), 'net-'));
  let number = 0;
  const path = (): string => join(folder, `${(number += 1)}.sock`);

  afterAll(() => rmSync(folder, { recursive: true }));

  it('[V1] is dialled by its path, and lent again', async () => {
    const remote = await peer(countingConnections, { path: path() });
    const sockets = pool();
    for (const [line, reused] of [
      ['a', false],
      ['b', true],
    ] as const) {
      const socket = await sockets.dial('unix', remote.address);
      expect([await ask(socket, line), socket.reused]).toEqual([`1:${line}`, reused]);
      expect([socket.remoteAddress, socket.remotePort]).toEqual([undefined, undefined]);
      await socket.close();
    }
    using lease = await sockets.acquire('unix', remote.address);
    expect([await ask(lease.conn, 'c'), lease.reused]).toEqual(['1:c', true]);
  });

  it('[V16] is closed when data or its end comes while nobody has it', async () => {
    const remote = await peer(countingConnections, { path: path() });
    const sockets = pool();
    for (const death of ['write', 'end'] as const) {
      await (await sockets.dial('unix', remote.address)).close();
      const theirs = await remote.connection(death === 'write' ? 1 : 2);
      if (death === 'write') theirs.write('!');
      else theirs.end();
      await until(() => sockets.size === 0);
    }
  });

  it('[V14] [V18] [V19] is taken out and taken in under its path', async () => {
    const remote = await peer(countingConnections, { path: path() });
    const address = { network: 'unix', address: remote.address } as const;
    const sockets = pool();
    const raw = (await sockets.dial('unix', remote.address)).raw();
    sockets.put(raw, address);
    expect(sockets.idleCount('unix', remote.address)).toBe(1);
    const got = sockets.get(address);
    expect([got === raw, await ask(got, 'a'), sockets.size]).toEqual([true, '1:a', 0]);
    got.destroy();
  });

  it('[V3] is not rewritten by host, which is for hosts and ports', async () => {
    const remote = await peer(countingConnections, { path: path() });
    const sockets = pool({ host: () => '127.0.0.1:1' });
    await using socket = await sockets.dial('unix', remote.address);
    expect(await ask(socket, 'a')).toBe('1:a');
  });

  it('[V24] that nobody serves is an error with the path and the pool', async () => {
    const sockets = pool({ name: 'local' });
    const address = path();
    const error = await rejection(sockets.dial('unix', address));
    expect(error).toMatchObject({ code: 'ERR_DIAL', pool: 'local', cause: { code: 'ENOENT' } });
    expect(error.message).toContain(address);
    expect(error.message).toContain('unix');
  });
});
