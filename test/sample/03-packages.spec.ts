import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { tcpSendRecvPkg } from 'nestjs-conn-pool/tcp';
import { AppModule } from '../../sample/03-packages/app.module.js';
import {
  ForgettingServer,
  KeepingServer,
  PackageServer,
} from '../../sample/03-packages/echo/echo.servers.js';
import type { Answer } from '../../sample/03-packages/echo/echo.service.js';
import { type NodeProcess, startNode } from '../docs/node-process.js';
import { until } from '../nest/until.js';
import { CompiledSample } from './compiled-sample.js';

jest.setTimeout(30_000);

describe('the application of the sample', () => {
  let app: INestApplication;

  beforeEach(async () => {
    app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
  });
  afterEach(() => app.close());

  async function ask(path: string): Promise<{ status: number; body: string }> {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  async function told<T = Answer>(path: string): Promise<T> {
    const { status, body } = await ask(path);
    expect({ status, body }).toMatchObject({ status: 200 });
    return JSON.parse(body) as T;
  }

  const counts = async () =>
    (await told<{ idle: number; size: number; totals: { dialed: number } }[]>('/pools'))[0];

  it('exchanges packages, over the same connection each time', async () => {
    const first = await told('/packages/hello');
    expect(first).toMatchObject({ answer: '> hello', reused: false });
    expect(await told('/packages/again')).toEqual({
      answer: '> again',
      reused: true,
      localPort: first.localPort,
    });
    expect(await counts()).toMatchObject({ idle: 1, totals: { dialed: 1 } });
  });

  it('sends many packages in one write', async () => {
    expect(await told('/packages?texts=one,two,three')).toEqual(['> one', '> two', '> three']);
  });

  it('keeps a connection that the server keeps', async () => {
    const ports = new Set<unknown>();
    for (const text of ['one', 'two', 'three']) {
      const { answer, localPort } = await told(`/kept/${text}`);
      expect(answer).toBe(`> ${text}`);
      ports.add(localPort);
    }
    expect(ports.size).toBe(1);
  });

  it('asks a server that hangs up after each answer as if nothing were', async () => {
    const ports = new Set<unknown>();
    for (const text of ['one', 'two', 'three']) {
      const { answer, localPort } = await told(`/forgotten/${text}`);
      expect(answer).toBe(`> ${text}`);
      ports.add(localPort);
      await until(async () => (await counts())?.size === 0);
    }
    expect(ports.size).toBe(3);
  });

  it('shows what the pool holds, and that it is well', async () => {
    await told('/packages/hello');
    await told('/kept/hello');
    expect(await told<object[]>('/connections')).toMatchObject([
      { network: 'tcp', address: app.get(PackageServer, { strict: false }).address, state: 'idle', uses: 1 },
      { network: 'tcp', address: app.get(KeepingServer, { strict: false }).address, state: 'idle', uses: 1 },
    ]);
    expect(await told('/health')).toMatchObject({
      status: 'ok',
      details: { echo: { status: 'up', idle: 2, max: 20 } },
    });
  });

  it('answers 502 for what the server takes no such packages of, and uses that connection no more', async () => {
    expect(await ask(`/packages/${'x'.repeat(1001)}`)).toMatchObject({ status: 502 });
    expect(await told('/packages/hello')).toMatchObject({ answer: '> hello', reused: false });
  });

  it('answers 503 when there is no server', async () => {
    await app.get(ForgettingServer, { strict: false }).close();
    const { status, body } = await ask('/forgotten/hello');
    expect(status).toBe(503);
    expect(body).not.toContain('127.0.0.1');
  });

  it('serves others, too', async () => {
    const { address } = app.get(PackageServer, { strict: false });
    expect(String(await tcpSendRecvPkg(address, 'hello'))).toBe('> hello');
  });
});

describe('the sample in a process of its own', () => {
  let sample: CompiledSample;
  let started: NodeProcess;
  beforeAll(async () => void (sample = await CompiledSample.of('03-packages')));
  afterAll(async () => {
    started.kill('SIGKILL');
    await sample.remove();
  });

  it('heeds the operator, answers where it says, and ends with 0 at Ctrl-C', async () => {
    started = startNode([sample.main], { PORT: '0', CONN_POOL_ECHO_MAX: '7' });
    const [, address = ''] = await started.printed(/package server yourself, at (\S+)/);
    expect(String(await tcpSendRecvPkg(address, 'hello'))).toBe('> hello');
    const [, first = ''] = await started.printed(/Try (.*\/health)/s);
    const urls = Array.from(first.matchAll(/http:\S+/g), ([url]) => url);
    expect(urls).toHaveLength(7);
    for (const url of urls) {
      const response = await fetch(url, { headers: { connection: 'close' } });
      const body = await response.text();
      expect({ url, status: response.status, body }).toMatchObject({ url, status: 200 });
      if (url.endsWith('/pools')) expect(JSON.parse(body)).toMatchObject([{ name: 'echo', max: 7 }]);
    }
    started.kill('SIGINT');
    const { code, signal, stdout } = await started.ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(stdout).toMatch(/Pool "echo" closed in \d+ ms: \d connections?, 0 by force/);
  });
});
