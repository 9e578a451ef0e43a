import 'reflect-metadata';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTo } from 'node:net';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import type { Browser, Page } from 'playwright-core';
import { AppModule } from '../../sample/04-hub/app.module.js';
import { type NodeProcess, startNode } from '../docs/node-process.js';
import { Client } from '../hub/client.js';
import { describeWith } from '../describe-with.js';
import { describeWithChromium } from './chromium.js';
import { CompiledSample } from './compiled-sample.js';

jest.setTimeout(60_000);

describe('the application of the sample', () => {
  let app: INestApplication;
  const clients: Client[] = [];

  beforeEach(async () => {
    app = await NestFactory.create(AppModule.with({ node: 'one' }), { logger: false });
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
  });
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.terminate();
    await app.close();
  });

  const host = () => `127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;

  async function connect(id: string, headers = {}): Promise<Client> {
    const client = await Client.connect(`ws://${host()}/hello?id=${id}`, { headers });
    clients.push(client);
    return client;
  }

  async function told(path: string): Promise<unknown> {
    return (await fetch(`http://${host()}${path}`)).json();
  }

  const lines = async (client: Client, count: number): Promise<unknown[]> =>
    (await client.hears(count)).map((line) => JSON.parse(line) as unknown);

  it('[W2] relays a line of one to another, and tells the one what became of it', async () => {
    const [ann, bob] = [await connect('ann'), await connect('bob')];
    ann.socket.send('{"to":"bob","text":"hel');
    ann.socket.send('lo"}\n{"to":"nobody","text":"hello"}\n');
    expect(await lines(bob, 1)).toEqual([{ from: 'ann', text: 'hello' }]);
    expect(await lines(ann, 2)).toEqual([
      { to: 'bob', status: 'sent' },
      { to: 'nobody', status: 'offline' },
    ]);
  });

  it('answers what it does not understand, and goes on', async () => {
    const ann = await connect('ann');
    ann.socket.send('hello\n{"to":"ann"}\n{"to":"","text":"x"}\n{"to":"ann","text":"me"}\n');
    expect(await lines(ann, 5)).toEqual([
      { error: 'a line is {"to":"…","text":"…"}' },
      { error: 'a line is {"to":"…","text":"…"}' },
      { to: '', status: 'offline' },
      { from: 'ann', text: 'me' },
      { to: 'ann', status: 'sent' },
    ]);
  });

  it('answers a letter that is too long to be passed on, by a name or by a line; no client can end the process', async () => {
    const rejections: unknown[] = [];
    const onRejection = (cause: unknown): void => void rejections.push(cause);
    process.on('unhandledRejection', onRejection);
    const long = 'l'.repeat(200);
    const [ann, bob] = [await connect(long), await connect('bob')];
    const letter = (to: string, length: number): string =>
      `${JSON.stringify({ to, text: 'x'.repeat(length) })}\n`;
    ann.socket.send(letter('bob', 16_350));
    ann.socket.send(letter('b'.repeat(16_000), 0));
    ann.socket.send(letter('bob', 3));
    expect(await lines(ann, 3)).toEqual([
      {
        to: 'bob',
        error: 'the letter cannot be passed on: ERR_PAYLOAD_TOO_LARGE',
      },
      { error: 'a line is {"to":"…","text":"…"}' },
      { to: 'bob', status: 'sent' },
    ]);
    expect(await lines(bob, 1)).toEqual([{ from: long, text: 'xxx' }]);
    const line = letter('bob', 17_000);
    ann.socket.send(line.slice(0, 10_000));
    ann.socket.send(line.slice(10_000));
    expect(await ann.isClosed()).toEqual({ code: 1009, reason: 'too-big' });
    expect(await told('/hubs')).toMatchObject([{ ids: 1, connections: 1 }]);
    process.off('unhandledRejection', onRejection);
    expect(rejections).toEqual([]);
  });

  it('lets nobody in from the page of another site, nor without a name', async () => {
    const theirs = await connect('ann', { origin: 'https://theirs.example' });
    expect(await theirs.isClosed()).toEqual({ code: 1008, reason: 'origin' });
    const nobody = await connect('');
    expect(await nobody.isClosed()).toEqual({ code: 1008, reason: 'identity' });
    await connect('ann', { origin: `http://${host()}` });
    expect(await told('/hubs')).toMatchObject([{ name: 'weixin-user', ids: 1, connections: 1 }]);
  });

  it('shows who is there, and that it is well', async () => {
    await connect('ann');
    expect(await told('/presence/ann')).toEqual({
      id: 'ann',
      online: true,
      connections: [{ node: 'one' }],
      complete: true,
    });
    expect(await told('/presence/bob')).toMatchObject({ online: false, connections: [] });
    expect(await told('/health')).toMatchObject({
      status: 'ok',
      details: { 'weixin-user': { status: 'up', connections: 1 } },
    });
  });
});

describe('the sample in a process of its own', () => {
  let sample: CompiledSample;
  let started: NodeProcess | undefined;
  beforeAll(async () => void (sample = await CompiledSample.of('04-hub')));
  afterEach(() => {
    started?.kill('SIGKILL');
    started = undefined;
  });
  afterAll(() => sample.remove());

  async function start(args: string[], env: NodeJS.ProcessEnv = {}): Promise<[string, string]> {
    started = startNode([sample.main, ...args], { PORT: '0', ...env });
    const [, ann = '', bob = ''] = await started.printed(/Open (\S+)\s+and\s+(\S+) in.*\/health/s);
    return [ann, bob];
  }

  async function endsWell(): Promise<void> {
    started?.kill('SIGINT');
    const { code, signal, stderr } = (await started?.ended) ?? {};
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  }

  it('says what is missing, and ends with 1', async () => {
    started = startNode([sample.main, '--redis'], { PORT: '0', PATH: '/nowhere' });
    expect(await started.ended).toMatchObject({
      code: 1,
      stderr: 'There is no redis-server on the PATH. Install it, or leave the option out.\n',
    });
  });

  it('ends at Ctrl-C, though a browser has opened a connection that it has not used yet', async () => {
    const [url] = await start([]);
    const unused = connectTo(Number(new URL(url).port), '127.0.0.1');
    unused.on('error', () => undefined);
    await once(unused, 'connect');
    await endsWell();
    unused.destroy();
  });

  describeWithChromium('its page', (launch) => {
    let browser: Browser;
    beforeAll(async () => void (browser = await launch()));
    afterAll(() => browser.close());

    const status = (page: Page, text: string): Promise<void> =>
      page.getByRole('status').filter({ hasText: text }).waitFor();
    const message = (page: Page, text: string): Promise<void> =>
      page.getByRole('listitem').filter({ hasText: text }).first().waitFor();

    async function tab(url: string): Promise<Page> {
      const page = await browser.newPage();
      page.setDefaultTimeout(15_000);
      await page.goto(url);
      return page;
    }

    async function write(page: Page, to: string, text: string): Promise<void> {
      await page.getByLabel('To').fill(to);
      await page.getByLabel('Text').fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
    }

    it('asks who one is; two tabs write to each other; Ctrl-C says good-bye to both', async () => {
      const [annUrl, bobUrl] = await start([]);
      const ann = await tab(new URL('/', annUrl).href);
      await ann.getByLabel('I am').fill('ann');
      await ann.getByRole('button', { name: 'Connect' }).click();
      await status(ann, 'Connected as ann');
      expect(ann.url()).toBe(annUrl);
      const bob = await tab(bobUrl);
      await status(bob, 'Connected as bob');

      await write(ann, 'bob', 'hello <b>Bob</b>');
      await message(bob, 'ann: hello <b>Bob</b>');
      await message(ann, 'to bob: sent');
      await write(bob, 'ann', 'hello, Ann');
      await message(ann, 'bob: hello, Ann');
      await write(bob, 'carol', 'are you there?');
      await message(bob, 'to carol: offline');

      await endsWell();
      for (const page of [ann, bob]) {
        await status(page, 'Closed');
        await page.close();
      }
    });

    it('connects again after the server has been away, and not after it has been replaced', async () => {
      const [annUrl] = await start([]);
      const port = new URL(annUrl).port;
      const ann = await tab(annUrl);
      await status(ann, 'Connected as ann');
      await endsWell();
      await status(ann, 'connecting again');
      await start([], { PORT: port });
      await status(ann, 'Connected as ann');

      const again = await tab(annUrl);
      await status(again, 'Connected as ann');
      await status(ann, 'Closed: 4501 replaced');
      expect(await ann.getByRole('status').textContent()).not.toContain('connecting again');
      await endsWell();
      await Promise.all([ann.close(), again.close()]);
    });

    describe.each(['redis', 'nats'])('two instances over %s', (broker) => {
      describeWith([`${broker}-server`], 'with a server of their own', () => {
        it('reach those on the other; Ctrl-C closes both and the server', async () => {
          const [annUrl, bobUrl] = await start([`--${broker}`]);
          expect(new URL(annUrl).port).not.toBe(new URL(bobUrl).port);
          const [ann, bob] = [await tab(annUrl), await tab(bobUrl)];
          await Promise.all([status(ann, 'Connected as ann'), status(bob, 'Connected as bob')]);
          await write(ann, 'bob', 'hello');
          await message(bob, 'ann: hello');
          await message(ann, 'to bob: forwarded to two');
          const { connections } = (await (await fetch(new URL('/presence/bob', annUrl))).json()) as {
            connections: unknown;
          };
          expect(connections).toEqual([{ node: 'two' }]);
          await endsWell();
          await Promise.all([ann.close(), bob.close()]);
        });
      });
    });
  });
});
