import { EventEmitter } from 'node:events';
import { ConnHub, type Membership } from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import type { House } from './house.js';
import { houses } from './houses.js';
import { until } from './until.js';

const only = (it: House): Membership => it.hub.get('ann')[0] as Membership;

async function all<T>(iterator: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterator) items.push(item);
  return items;
}

/** As little as a hub asks for. */
class OldSocket extends EventEmitter {
  readyState = 1;
  closed: unknown[] = [];

  send(): void {}

  close(...of: unknown[]): void {
    this.closed = of;
    this.readyState = 3;
    this.emit('close', of[0]);
  }
}

describe('what a client sends', () => {
  const house = houses();

  it('[W9] is read as lines, across frames and several to a frame', async () => {
    const it = await house();
    const client = await it.join('ann');
    const lines = all(only(it).lines());
    for (const piece of ['one\ntw', 'o\n', '\nthree\nfo', 'ur']) client.socket.send(piece);
    client.socket.close();
    expect(await lines).toEqual(['one', 'two', '', 'three', 'four']);
  });

  it('[W9] is read as lines, also when a frame ends within a character or a delimiter', async () => {
    const it = await house({ delimiter: '\r\n' });
    const client = await it.join('ann');
    const lines = all(only(it).lines());
    for (const byte of Buffer.from('ä€😀\r\nb\rc\r\n')) client.socket.send(Buffer.from([byte]));
    client.socket.close();
    expect(await lines).toEqual(['ä€😀', 'b\rc']);
  });

  it('[W9] is a line for each frame without a delimiter', async () => {
    const it = await house({ delimiter: '' });
    const client = await it.join('ann');
    const lines = all(only(it).lines());
    client.socket.send('one\n');
    client.socket.send('two');
    client.socket.close();
    expect(await lines).toEqual(['one\n', 'two']);
  });

  it('[W9] is read as messages: texts as strings, bytes as bytes, acknowledgements left out', async () => {
    const it = await house();
    const client = await it.join('ann');
    const messages = all(only(it).messages());
    const lines = all(only(it).lines());
    client.socket.send('text');
    client.socket.send('{"ack":7}');
    client.socket.send(Buffer.from([1, 2]));
    client.socket.send('{"ack":"7"}');
    client.socket.send('');
    client.socket.close();
    expect(await messages).toEqual(['text', Buffer.from([1, 2]), '{"ack":"7"}', '']);
    expect(await lines).toEqual(['text\u0001\u0002{"ack":"7"}']);
  });

  it('[W9] is read from now on, and by as many as like to', async () => {
    const it = await house();
    const client = await it.join('ann');
    client.socket.send('early\n');
    const membership = only(it);
    let seen = 0;
    it.sockets[0]?.on('message', () => (seen += 1));
    await until(() => seen === 1);
    const [first, second] = [membership.lines(), membership.lines()];
    client.socket.send('a\nb\n');
    expect((await first.next()).value).toBe('a');
    await first.return?.();
    expect(await first.next()).toEqual({ done: true, value: undefined });
    client.socket.close();
    expect(await all(second)).toEqual(['a', 'b']);
    expect(await all(membership.lines())).toEqual([]);
    expect(await all(membership.messages())).toEqual([]);
  });

  it('[W9] ends with the membership, and what came before can still be read', async () => {
    const it = await house();
    const client = await it.join('ann');
    const lines = only(it).lines();
    const asked = [lines.next(), lines.next(), lines.next()];
    client.socket.send('one\n');
    await asked[0];
    it.hub.delete('ann');
    expect(await Promise.all(asked)).toEqual([
      { done: false, value: 'one' },
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });

  it('[W9] closes the connection with 1009 when a line is longer than it may be', async () => {
    const it = await house();
    const client = await it.join('ann');
    const lines = all(only(it).lines({ maxLength: 10 }));
    client.socket.send('0123456789\n01234');
    client.socket.send('5678');
    client.socket.send('9abc');
    expect(await client.isClosed()).toEqual({ code: 1009, reason: 'too-big' });
    expect((await lines)[0]).toBe('0123456789');
    expect(it.told('left')).toMatchObject([{ reason: 'too-big', code: 1009 }]);
  });

  it('[W9] has lines of 64 KiB at most, unless told otherwise', async () => {
    const it = await house();
    const client = await it.join('ann');
    const membership = only(it);
    const lines = membership.lines();
    const long = 'x'.repeat(64 * 1024);
    client.socket.send(`${long}\n`);
    expect((await lines.next()).value).toBe(long);
    client.socket.send(`${long}x\n`);
    expect(await client.isClosed()).toMatchObject({ code: 1009 });
    for (const wrong of [{ maxLength: 0 }, { maxLength: '1' }, { length: 1 }]) {
      expect(() => membership.lines(wrong as object)).toThrow(InvalidOptionsError);
    }
  });

  it('[W9] has no longer lines than maxMessageBytes, whatever else is said', async () => {
    const it = await house({ maxMessageBytes: 10 });
    const client = await it.join('ann');
    const lines = all(only(it).lines({ maxLength: Infinity }));
    client.socket.send('01234');
    client.socket.send('56789\n');
    client.socket.send('012345');
    client.socket.send('6789a\n');
    expect(await client.isClosed()).toEqual({ code: 1009, reason: 'too-big' });
    expect(await lines).toEqual(['0123456789']);
  });

  it('closes the connection with 1009 when a message is larger than maxMessageBytes', async () => {
    const it = await house({ maxMessageBytes: 10 });
    const client = await it.join('ann');
    const messages = all(only(it).messages());
    client.socket.send('0123456789');
    client.socket.send('0123456789a');
    expect(await client.isClosed()).toEqual({ code: 1009, reason: 'too-big' });
    expect(await messages).toEqual(['0123456789']);
  });

  it('makes the client wait while a reader is behind, also with a ws that is too old to be paused itself', async () => {
    const hub = new ConnHub();
    const calls: string[] = [];
    const inside = { pause: () => calls.push('pause'), resume: () => calls.push('resume') };
    const old = Object.assign(new OldSocket(), { _socket: inside });
    const messages = hub.add('ann', old as never).messages();
    const send = (): boolean => old.emit('message', Buffer.alloc(200_000), true);
    send();
    expect(calls).toEqual([]);
    send();
    expect(calls).toEqual(['pause']);
    // It has gone on by itself.
    send();
    expect(calls).toEqual(['pause', 'pause']);
    for (let i = 0; i < 3; i += 1) expect((await messages.next()).value).toHaveLength(200_000);
    expect(calls).toEqual(['pause', 'pause', 'resume']);
    await hub.close({ drain: 0 });
  });

  it('closes with 1009, while a reader is behind, what cannot be paused at all', async () => {
    const hub = new ConnHub();
    const old = new OldSocket();
    const membership = hub.add('ann', old as never);
    const messages = all(membership.messages());
    for (let i = 0; i < 10; i += 1) old.emit('message', Buffer.alloc(200_000), true);
    expect([membership.active, old.closed]).toEqual([false, [1009, 'too-big']]);
    expect((await messages).length).toBeLessThanOrEqual(3);
    await hub.close({ drain: 0 });
  });

  it('makes the client wait while a reader is behind, and loses nothing', async () => {
    const it = await house({ heartbeatInterval: 5, heartbeatTimeout: 100 });
    const client = await it.join('ann');
    const lines = only(it).lines();
    const line = 'x'.repeat(50_000);
    const count = 400;
    for (let i = 0; i < count; i += 1) client.socket.send(`${i} ${line}\n`);
    // Far more is on its way than a reader may leave unread.
    await until(() => (it.sockets[0] as unknown as { isPaused: boolean }).isPaused);
    await until(() => client.socket.bufferedAmount > 0);
    // Long enough to be dead, were it not known why it is silent.
    const end = performance.now() + 300;
    await until(() => performance.now() > end);
    const seen: number[] = [];
    for await (const each of lines) {
      seen.push(parseInt(each, 10));
      if (seen.length === count) break;
    }
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => i));
    expect((it.sockets[0] as unknown as { isPaused: boolean }).isPaused).toBe(false);
  });
});
