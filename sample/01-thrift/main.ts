import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { EchoLoad } from './echo/echo.load.js';
import { startThriftServer } from './thrift-server.js';

// `npm start -- --load`: something to be seen on the page.
const withLoad = process.argv.includes('--load');

// Something to talk to, unless THRIFT_HOST or THRIFT_PORT point at a server of yours.
if (process.env.THRIFT_HOST === undefined && process.env.THRIFT_PORT === undefined) {
  const echoTakes = withLoad ? () => 15 + Math.random() ** 4 * 300 : undefined;
  const { port } = await startThriftServer({ echoTakes });
  process.env.THRIFT_PORT = String(port);
}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks([], { useProcessExit: true });
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');

const url = await app.getUrl();
if (withLoad) app.get(EchoLoad, { strict: false }).begin();
console.log(`Watch ${url}/conn-pool`);
console.log(`Try ${['/echo/hello', '/health', '/pools'].map((path) => url + path).join('\n    ')}`);
