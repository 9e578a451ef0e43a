import 'reflect-metadata';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type INestApplication, Module, type ModuleMetadata } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type ConnPool, ConnPoolModule, PoolRegistry } from 'nestjs-conn-pool';
import { ConnPoolDashboardModule, type ConnPoolDashboardRootOptions } from 'nestjs-conn-pool/dashboard';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { type Message, StreamReader } from './stream-reader.js';

type MakeAdapter = () => AbstractHttpAdapter;

export const ADAPTERS: readonly (readonly [name: string, make: MakeAdapter])[] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

const makeConnector = () => fakeConnector({ heartbeat: true });

export interface HouseOptions extends Pick<ModuleMetadata, 'imports' | 'providers'> {
  /** Default: Express's. */
  adapter?: MakeAdapter;
  dashboard?: ConnPoolDashboardRootOptions;
  /** Before it listens. */
  prepare?: (app: INestApplication) => void;
  /** Default: a free one. */
  port?: number;
}

/** An application with a pool of two and a dashboard, on the loopback. */
export class House {
  readonly connector: ReturnType<typeof makeConnector>;
  private readonly readers: StreamReader[] = [];

  private constructor(
    readonly app: INestApplication,
    connector: House['connector'],
  ) {
    this.connector = connector;
  }

  static async open(options: HouseOptions = {}): Promise<House> {
    const {
      adapter = () => new ExpressAdapter(),
      dashboard,
      imports = [],
      providers,
      prepare,
      port = 0,
    } = options;
    const connector = makeConnector();
    @Module({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'echo', connector, max: 2, leakThreshold: '1h' }),
        ConnPoolDashboardModule.forRoot({ interval: 100, ...dashboard }),
        ...imports,
      ],
      providers,
    })
    class AppModule {}
    const app = await NestFactory.create(AppModule, adapter(), { logger: false, abortOnError: false });
    prepare?.(app);
    await app.listen(port, '127.0.0.1');
    return new House(app, connector);
  }

  get pool(): ConnPool<FakeConn> {
    return this.app.get(PoolRegistry).get('echo');
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Watches as a page would. */
  async watch(path = '/conn-pool'): Promise<StreamReader> {
    const reader = await StreamReader.open(`${this.url}${path}/stream`);
    this.readers.push(reader);
    return reader;
  }

  /** Asks for an action as a page would, with what its stream has told. */
  async steer(query: string, headers: Record<string, string> = {}): Promise<Reply> {
    const reader = await this.watch();
    const { token } = (await reader.next('hello')).data as { token?: string };
    reader.close();
    return this.post(query, { 'x-conn-pool-token': token ?? '', origin: this.url, ...headers });
  }

  async post(query: string, headers: Record<string, string>): Promise<Reply> {
    const response = await fetch(`${this.url}/conn-pool/actions?${query}`, { method: 'POST', headers });
    return { status: response.status, ...((await response.json()) as object) };
  }

  /** Asks as somebody who calls the server by this name, whatever name that is. The text: of a refusal. */
  askAs(
    host: string,
    path: string,
    { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
  ): Promise<{ status: number | undefined; text: string }> {
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers, host }, agent: false };
      const asked = request(`${this.url}${path}`, options, (response) => {
        const { statusCode: status } = response;
        if (status !== 200) return resolve(text(response).then((all) => ({ status, text: all })));
        asked.destroy();
        resolve({ status, text: '' });
      });
      asked.on('error', reject).end();
    });
  }

  async close(): Promise<void> {
    for (const reader of this.readers) reader.close();
    await this.app.close();
  }
}

export interface Reply {
  readonly status: number;
  readonly done?: string;
  readonly message?: string;
}

export interface SeenPool {
  name: string;
  mood: string;
  leased: number;
  waiting: number;
  max: number | null;
  trouble?: string;
  actions: string[];
  rows?: { id: number; state: string; stack?: string }[];
  failed?: string;
}

/** The pool of this name in a snapshot. */
export function poolIn({ data }: Message, name = 'echo'): SeenPool {
  const { pools } = data as { pools: SeenPool[] };
  const pool = pools.find((each) => each.name === name);
  if (pool === undefined) throw new Error(`no pool "${name}" in the snapshot`);
  return pool;
}
