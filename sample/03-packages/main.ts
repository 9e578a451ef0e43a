import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { PackageServer } from './echo/echo.servers.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks([], { useProcessExit: true });
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');

const url = await app.getUrl();
const routes = [
  ['/packages/hello', 'a package for a package, again and again over one connection'],
  ['/packages?texts=one,two,three', 'many packages in one write'],
  ['/kept/hello', 'a server that keeps the connection: "localPort" stays'],
  ['/forgotten/hello', 'one that hangs up after each answer: "localPort" changes, nobody notices'],
  ['/connections', 'what the pool holds, and for which address'],
  ['/pools', 'its counts'],
  ['/health', ''],
];
const column = ([path, what]: string[]) => `${url}${path}`.padEnd(url.length + 32) + what;
console.log(`Try ${routes.map(column).join('\n    ')}`);
console.log(
  `or talk to its package server yourself, at ${app.get(PackageServer, { strict: false }).address}`,
);
