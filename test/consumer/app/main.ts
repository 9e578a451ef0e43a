import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { listenForEchoes } from './echo.server.js';

async function main(): Promise<void> {
  const echoPort = await listenForEchoes();
  const app = await NestFactory.create(AppModule.talkingTo(echoPort), { logger: ['error', 'warn'] });
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(0, '127.0.0.1');
  console.log(`listening on ${await app.getUrl()}`);
}

void main();
