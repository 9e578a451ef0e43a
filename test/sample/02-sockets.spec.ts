import 'reflect-metadata';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../sample/02-sockets/app.module.js';
import { type Clock, startClock } from '../../sample/02-sockets/clock-server.js';
import { type Device, startDevice } from '../../sample/02-sockets/device-server.js';
import type { Answer } from '../../sample/02-sockets/devices/devices.service.js';
import { type NodeProcess, startNode } from '../docs/node-process.js';
import { until } from '../nest/until.js';
import { CompiledSample } from './compiled-sample.js';

jest.setTimeout(30_000);

describe('the application of the sample', () => {
  const given = { DEVICES: process.env.DEVICES, CLOCK: process.env.CLOCK };
  let devices: Device[];
  let clock: Clock;
  let strangers: Server[];
  let app: INestApplication;

  beforeEach(async () => {
    devices = await Promise.all(['boiler', 'pump'].map((name) => startDevice({ name })));
    clock = await startClock();
    strangers = [];
  });

  afterEach(async () => {
    await app.close();
    await Promise.all([...devices, clock].map((each) => each.close()));
    for (const stranger of strangers) stranger.close();
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  async function start(): Promise<void> {
    process.env.DEVICES = devices.map(({ name, address }) => `${name}=${address}`).join(',');
    process.env.CLOCK = clock.address;
    app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
  }

  /** Something else than a device, under a device's name. */
  async function addStranger(name: string, answer: (socket: Socket) => void): Promise<void> {
    const server = createServer((socket) =>
      socket.on('error', () => undefined).on('data', () => answer(socket)),
    );
    strangers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    devices.push({ name, address, close: () => Promise.resolve() });
  }

  async function ask(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: response.status, body: await response.text() };
  }

  async function told<T = Answer>(path: string, method?: string): Promise<T> {
    const { status, body } = await ask(path, method);
    expect({ status, body }).toMatchObject({ status: 200 });
    return JSON.parse(body) as T;
  }

  const counts = async () =>
    (await told<{ idle: number; size: number; totals: { dialed: number; lost: number } }[]>('/pools'))[0];

  it('reads each device over a connection of its own, and again over the same', async () => {
    await start();
    const first = await told<Answer[]>('/devices');
    expect(first).toMatchObject([
      { from: 'boiler', answer: '20.0 C', reused: false },
      { from: 'pump', answer: '20.0 C', reused: false },
    ]);
    const second = await told<Answer[]>('/devices');
    expect(second).toMatchObject([
      { answer: '20.1 C', reused: true, localPort: first[0]?.localPort },
      { answer: '20.1 C', reused: true, localPort: first[1]?.localPort },
    ]);
    expect(await told('/devices/pump')).toMatchObject({ from: 'pump', localPort: first[1]?.localPort });
    expect(await counts()).toMatchObject({ idle: 2, size: 2, totals: { dialed: 2, lost: 0 } });
  });

  it('asks the clock over UDP, from the same port each time', async () => {
    await start();
    const first = await told('/clock');
    expect(Number.isNaN(Date.parse(first.answer))).toBe(false);
    expect(await told('/clock')).toMatchObject({ from: 'clock', reused: true, localPort: first.localPort });
  });

  it('shows what the pool holds, and that it is well', async () => {
    await start();
    await told('/devices/boiler');
    await told('/clock');
    const rows = await told<object[]>('/connections');
    expect(rows).toMatchObject([
      { network: 'tcp', address: devices[0]?.address, state: 'idle', uses: 1 },
      { network: 'udp', address: clock.address, state: 'idle', uses: 1 },
    ]);
    expect(rows).toHaveLength(2);
    expect(await told('/health')).toMatchObject({
      status: 'ok',
      details: { devices: { status: 'up', idle: 2, max: 20 } },
    });
  });

  it('reads a device that has forgotten its connections as if nothing were', async () => {
    await start();
    const { localPort } = await told('/devices/boiler/restart', 'POST');
    const answer = await told('/devices/boiler');
    expect(answer).toMatchObject({ answer: '20.0 C', reused: false });
    expect(answer.localPort).not.toBe(localPort);
    expect(await counts()).toMatchObject({ idle: 1, totals: { dialed: 2, lost: 1 } });
  });

  it('gives no command twice: over a dead connection the caller is told', async () => {
    await start();
    await told('/devices/boiler/restart', 'POST');
    const { status, body } = await ask('/devices/boiler/restart', 'POST');
    expect(status).toBe(503);
    expect(body).toContain('ERR_STALE_CONNECTION');
    expect(await told('/devices/boiler/restart', 'POST')).toMatchObject({ reused: false });
  });

  it('takes an alarm that nobody asked for as the end of the connection, and never for an answer', async () => {
    await start();
    await told('/devices/boiler/alarm', 'POST');
    await until(async () => (await counts())?.totals.lost === 1);
    expect(await told('/devices/boiler')).toMatchObject({ answer: '20.0 C', reused: false });
  });

  it('answers 503 while a device is away, and tells nobody where it is', async () => {
    await start();
    await told('/devices/boiler');
    await devices[0]?.close();
    const { status, body } = await ask('/devices/boiler');
    expect(status).toBe(503);
    expect(body).toContain('ERR_DIAL');
    expect(body).not.toContain(String(devices[0]?.address.split(':')[1]));
    expect(await told('/devices/pump')).toMatchObject({ answer: '20.0 C' });
  });

  it('answers 404 for a device that it does not know', async () => {
    await start();
    expect(await ask('/devices/kettle')).toMatchObject({ status: 404 });
  });

  it('answers 502 for half an answer and for more than one, and uses neither connection again', async () => {
    await addStranger('half', (socket) => socket.end('21.'));
    await addStranger('double', (socket) => socket.write('21.0 C\n22.0 C\n'));
    await start();
    expect(await ask('/devices/half')).toMatchObject({ status: 502 });
    expect(await ask('/devices/double')).toMatchObject({ status: 502 });
    await until(async () => (await counts())?.size === 0);
  });

  it('answers 504 for a device that is silent, and does not use its connection again', async () => {
    await addStranger('mute', () => undefined);
    await start();
    expect(await ask('/devices/mute')).toMatchObject({ status: 504 });
    await until(async () => (await counts())?.size === 0);
  });
});

describe('the sample in a process of its own', () => {
  let sample: CompiledSample;
  let started: NodeProcess;
  beforeAll(async () => void (sample = await CompiledSample.of('02-sockets')));
  afterAll(async () => {
    started.kill('SIGKILL');
    await sample.remove();
  });

  it('brings its own devices, heeds the operator, answers where it says, and ends with 0 at Ctrl-C', async () => {
    started = startNode([sample.main], { PORT: '0', CONN_POOL_DEVICES_MAX: '7' });
    await started.printed(/curl -X POST .*\/alarm/);
    const [, first = ''] = await started.printed(/Try (.*\/alarm)/s);
    const urls = Array.from(first.matchAll(/http:\S+/g), ([url]) => url);
    expect(urls.length).toBeGreaterThan(5);
    for (const url of urls) {
      const method = /restart|alarm/.test(url) ? 'POST' : 'GET';
      const response = await fetch(url, { method, headers: { connection: 'close' } });
      const body = await response.text();
      expect({ url, status: response.status, body }).toMatchObject({ url, status: 200 });
      if (url.endsWith('/pools'))
        expect(JSON.parse(body)).toMatchObject([{ name: 'devices', max: 7, idle: 4 }]);
      if (url.endsWith('/restart')) await fetch(url.replace('/restart', ''));
    }
    started.kill('SIGINT');
    const { code, signal, stdout } = await started.ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(stdout).toMatch(/Pool "devices" closed in \d+ ms: \d connections, 0 by force/);
  });
});
