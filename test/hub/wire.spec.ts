import { once } from 'node:events';
import { connect } from 'node:net';
import { InvalidPayloadError, PayloadTooLargeError } from 'nestjs-conn-pool/hub';
import type { WebSocket } from 'ws';
import { houses } from './houses.js';
import { until } from './until.js';

/** What a raw client sees after the handshake. */
async function rawBytes(url: string): Promise<{ bytes: () => Buffer; end: () => void }> {
  const { port, host } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `GET /?id=raw HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  let seen = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (seen = Buffer.concat([seen, chunk])));
  await until(() => seen.includes('\r\n\r\n'));
  return {
    bytes: () => seen.subarray(seen.indexOf('\r\n\r\n') + 4),
    end: () => void socket.destroy(),
  };
}

describe('the wire', () => {
  const house = houses();

  it('[W4] carries "hi" as the predecessor does: 81 03 68 69 0a', async () => {
    const { hub, url } = await house();
    const client = await rawBytes(url);
    await until(() => hub.has('raw'));
    await expect(hub.push('raw', 'hi')).resolves.toEqual({ status: 'sent', connections: 1 });
    await until(() => client.bytes().length >= 5);
    expect(client.bytes().toString('hex')).toBe('810368690a');
    client.end();
  });

  it('[W4] closes with 88 02 03e8, as the predecessor does', async () => {
    const { hub, url } = await house();
    const client = await rawBytes(url);
    await until(() => hub.has('raw'));
    hub.delete('raw');
    await until(() => client.bytes().length >= 4);
    expect(client.bytes().toString('hex')).toBe('880203e8');
    client.end();
  });

  it.each([
    ['a string', 'grüß dich', 'grüß dich\n'],
    ['an object', { a: [1, 'zwei'] }, '{"a":[1,"zwei"]}\n'],
    ['bytes that are UTF-8', Buffer.from('hé'), 'hé\n'],
    ['a Uint8Array', new Uint8Array([104, 105]), 'hi\n'],
    ['an empty string', '', '\n'],
  ])('[W4] carries %s as text', async (_what, data, expected) => {
    const it = await house();
    const client = await it.join('ann');
    await it.hub.push('ann', data);
    expect(await client.hears(1)).toEqual([expected]);
  });

  it('[W4] takes another delimiter, or none', async () => {
    const crlf = await house({ delimiter: '\r\n' });
    const none = await house({ delimiter: '' });
    const [a, b] = [await crlf.join('ann'), await none.join('ann')];
    await crlf.hub.push('ann', 'x');
    await none.hub.push('ann', 'x');
    expect([await a.hears(1), await b.hears(1)]).toEqual([['x\r\n'], ['x']]);
  });

  it('[W4] sends any bytes with "binary", in one BINARY frame with nothing added', async () => {
    const it = await house();
    const client = await it.join('ann');
    await it.hub.push('ann', Buffer.from([255, 0, 10]), { binary: true });
    await until(() => client.binary.length > 0);
    expect([client.binary, client.heard]).toEqual([[Buffer.from([255, 0, 10])], []]);
  });

  it.each([125, 126, 65534, 65535, 65536, 200_000])('frames %d bytes and what follows', async (length) => {
    const it = await house({ delimiter: '', maxQueueBytes: 1_000_000 });
    const client = await it.join('ann');
    const text = 'ü'.repeat(length / 2) + 'x'.repeat(length % 2);
    const pushed = [it.hub.push('ann', text), it.hub.push('ann', 'after'), it.hub.push('ann', text)];
    await Promise.all(pushed);
    expect(await client.hears(3)).toEqual([text, 'after', text]);
  });

  it.each([
    [
      'that together fill 16 KiB, and one byte more or less',
      [5000, 5000, 6368],
      [5000, 5000, 6369],
      [5000, 5000, 6370],
    ],
    ['of which one is long', [10, 16_385, 10], [16_370, 10], [10, 65_536, 10]],
  ])('carries texts pushed in one turn in their order: those %s', async (_what, ...turns) => {
    const it = await house();
    const client = await it.join('ann');
    const expected: string[] = [];
    for (const lengths of turns) {
      const texts = lengths.map((length, at) => String(at).repeat(length));
      await Promise.all(texts.map((text) => it.hub.push('ann', text)));
      expected.push(...texts.map((text) => `${text}\n`));
    }
    expect(await client.hears(expected.length)).toEqual(expected);
  });

  it('carries in one turn what is ASCII and what is not, in its order', async () => {
    const it = await house();
    const client = await it.join('ann');
    const all = ['plain', 'grüß dich', Buffer.from('bytes'), { an: 'object' }, 'plain again'];
    await Promise.all([...all.map((data) => it.hub.push('ann', data)), it.hub.broadcast('to all')]);
    expect(await client.hears(6)).toEqual(
      ['plain', 'grüß dich', 'bytes', '{"an":"object"}', 'plain again', 'to all'].map((text) => `${text}\n`),
    );
  });

  it('[W4] does not change what it was given, and takes no part in what becomes of it', async () => {
    const it = await house();
    const client = await it.join('ann');
    const whole = Buffer.from('hello!');
    const part = whole.subarray(0, 5);
    const pushed = it.hub.push('ann', part);
    whole.fill('x');
    await pushed;
    expect(await client.hears(1)).toEqual(['hello\n']);
    expect(whole.toString()).toBe('xxxxxx');
  });

  it.each([
    ['bytes that are not UTF-8', Buffer.from([255, 254]), 'the bytes are not UTF-8'],
    ['a circle', circle(), 'JSON cannot hold it'],
    ['a big integer within', { n: 1n }, 'JSON cannot hold it'],
    ['what makes nothing of itself', { toJSON: () => undefined }, 'JSON makes nothing of it'],
    ['a promise', Promise.resolve('x'), 'it is a promise: await it'],
    ['a Map', new Map(), 'JSON cannot hold a Map'],
    ['other views of memory', new Float64Array(1), 'bytes must be a Uint8Array or Buffer'],
    ['nothing', null, 'it is null'],
    ['a number', 7, 'it is of the type number'],
    ['a function', () => 1, 'it is of the type function'],
  ])('[W4] refuses %s, whoever it is for', async (_what, data, problem) => {
    const it = await house({ name: 'chat' });
    const client = await it.join('ann');
    for (const id of ['ann', 'nobody']) {
      const pushed = it.hub.push(id, data as never);
      await expect(pushed).rejects.toBeInstanceOf(InvalidPayloadError);
      await expect(pushed).rejects.toMatchObject({ code: 'ERR_INVALID_PAYLOAD', hub: 'chat' });
      await expect(pushed).rejects.toThrow(`Hub "chat" cannot push this: ${problem}.`);
    }
    await it.hub.push('ann', 'next');
    expect(await client.hears(1)).toEqual(['next\n']);
  });

  it('refuses a payload over the limit, and takes one at it', async () => {
    const it = await house({ maxMessageBytes: 10 });
    const client = await it.join('ann');
    await expect(it.hub.push('ann', 'ü'.repeat(6))).rejects.toBeInstanceOf(PayloadTooLargeError);
    await expect(it.hub.push('ann', 'ü'.repeat(6))).rejects.toMatchObject({ bytes: 12, maxMessageBytes: 10 });
    await expect(it.hub.push('ann', 'x'.repeat(11), { ack: true })).rejects.toMatchObject({ bytes: 11 });
    await expect(it.hub.broadcast(Buffer.alloc(11))).rejects.toMatchObject({ bytes: 11 });
    await it.hub.push('ann', 'ü'.repeat(5));
    expect(await client.hears(1)).toEqual(['üüüüü\n']);
  });

  it('says in no error what was pushed, or to whom', async () => {
    const it = await house({ maxMessageBytes: 10 });
    const errors = await Promise.allSettled([
      it.hub.push('secret-id', 'secret payload that is too long'),
      it.hub.push('secret'.repeat(50), 'x'),
      it.hub.push('secret-id', Buffer.from([115, 101, 99, 255])),
    ]);
    for (const each of errors) {
      expect(each.status).toBe('rejected');
      expect(String((each as PromiseRejectedResult).reason)).not.toMatch(/sec/);
    }
  });
});

describe('a WebSocket that frames cannot simply be written to', () => {
  const house = houses();

  it('is sent compressed messages in order, when compression was agreed', async () => {
    const it = await house({}, { perMessageDeflate: { threshold: 0 } });
    const client = await it.join('ann', { perMessageDeflate: true });
    expect((it.sockets[0] as WebSocket).extensions).toContain('permessage-deflate');
    const texts = Array.from({ length: 50 }, (_, i) => `${i} ${'x'.repeat(i * 10)}`);
    const deliveries = await Promise.all(texts.map((text) => it.hub.push('ann', text)));
    expect(deliveries.every(({ status }) => status === 'sent')).toBe(true);
    expect(await client.hears(50)).toEqual(texts.map((text) => `${text}\n`));
  });

  it('waits while the application sends a message of its own in pieces', async () => {
    const it = await house();
    const client = await it.join('ann');
    const socket = it.sockets[0] as WebSocket;
    socket.send('one ', { fin: false });
    const pushed = it.hub.push('ann', 'after');
    await new Promise((resolve) => setImmediate(resolve));
    socket.send('piece', { fin: true });
    await expect(pushed).resolves.toMatchObject({ status: 'sent' });
    expect(await client.hears(2)).toEqual(['one piece', 'after\n']);
  });

  it('keeps the order with what the application sends itself', async () => {
    const it = await house();
    const client = await it.join('ann');
    const socket = it.sockets[0] as WebSocket;
    for (let i = 0; i < 20; i += 2) {
      socket.send(`${i}`);
      await it.hub.push('ann', `${i + 1}`);
    }
    expect((await client.hears(20)).map(Number)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('may be a client: what it pushes is masked', async () => {
    const it = await house();
    const client = await it.join('ann');
    const other = await house();
    other.hub.add('server', client.socket);
    const heard: string[] = [];
    (it.sockets[0] as WebSocket).on('message', (data: Buffer) => heard.push(data.toString()));
    await expect(other.hub.push('server', 'to you')).resolves.toMatchObject({ status: 'sent' });
    await until(() => heard.length > 0);
    expect(heard).toEqual(['to you\n']);
  });
});

function circle(): object {
  const ring: Record<string, unknown> = {};
  ring['ring'] = ring;
  return ring;
}
