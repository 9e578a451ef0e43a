import 'reflect-metadata';
import { parseArgs } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { AppModule } from './app.module.js';
import { type Broker, type BrokerKind, startBroker } from './brokers.js';

const firstPort = Number(process.env.PORT ?? 3000);

let broker: Broker | undefined;
const instances: INestApplication[] = [];

/** @throws TypeError for an option there is not */
function chosenBroker(): BrokerKind | undefined {
  const { values } = parseArgs({ options: { redis: { type: 'boolean' }, nats: { type: 'boolean' } } });
  return values.redis ? 'redis' : values.nats ? 'nats' : undefined;
}

async function startInstance(node: string): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.with({ node, backplane: broker?.backplane() }), {
    // Browsers open connections in advance, for which nothing else would end the server's waiting.
    forceCloseConnections: true,
  });
  instances.push(app);
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(firstPort === 0 ? 0 : firstPort + instances.length - 1, '127.0.0.1');
  return app;
}

/** The backplane goes last: the instances say good-bye to each other over it. */
async function stop(): Promise<void> {
  await Promise.all(instances.map((app) => app.close()));
  await broker?.stop();
}

try {
  const kind = chosenBroker();
  broker = kind && (await startBroker(kind));
  // Instances of one machine, in one process here; nothing but the backplane ties them together.
  const apps = [await startInstance('one')];
  if (broker !== undefined) apps.push(await startInstance('two'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

  const [first = '', second = first] = await Promise.all(apps.map((app) => app.getUrl()));
  console.log(`Open ${first}/?id=ann
and  ${second}/?id=bob in another tab, and let them write to each other.
Look at ${first}/presence/bob
        ${second}/hubs
        ${second}/health`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
  await stop();
}
