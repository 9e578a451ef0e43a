import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { startThriftServer } from './thrift-server.js';

// Something to talk to, unless THRIFT_HOST or THRIFT_PORT point at a server of yours.
if (process.env.THRIFT_HOST === undefined && process.env.THRIFT_PORT === undefined) {
  const { port } = await startThriftServer();
  process.env.THRIFT_PORT = String(port);
}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks([], { useProcessExit: true });
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');

const url = await app.getUrl();
console.log(`Try ${['/echo/hello', '/health', '/pools'].map((path) => url + path).join('\n    ')}`);
