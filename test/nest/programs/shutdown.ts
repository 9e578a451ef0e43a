import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type ConnPool, ConnPoolModule, InjectPool } from '../../../lib/index.js';

/** An application whose slow answers need a connection after the server has stopped listening. */
@Controller()
class SlowController {
  @InjectPool('numbers') private readonly pool!: ConnPool<number>;
  @Inject(HttpAdapterHost) private readonly host!: HttpAdapterHost;

  @Get('slow')
  async slow(): Promise<string> {
    process.stdout.write('asked\n');
    const server = this.host.httpAdapter.getHttpServer() as Server;
    while (server.listening) await delay(5);
    return this.pool.use((conn) => `served by ${conn}`);
  }
}

@Module({
  imports: [
    ConnPoolModule.forRoot(),
    ConnPoolModule.forFeature({
      name: 'numbers',
      connector: { dial: () => 1, close: () => void process.stdout.write('connection closed\n') },
    }),
  ],
  controllers: [SlowController],
})
class AppModule {}

const [adapter, exit] = process.argv.slice(2);
const app = await NestFactory.create(
  AppModule,
  adapter === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter(),
  {
    logger: ['error', 'warn'],
  },
);
app.enableShutdownHooks([], { useProcessExit: exit === 'exit' });
await app.listen(0, '127.0.0.1');
const server = app.getHttpServer() as Server;
// For ever: a connection that nobody closes keeps the process up.
server.keepAliveTimeout = 0;
process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
