import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { startClock } from './clock-server.js';
import { startDevice } from './device-server.js';

// Something to talk to, unless DEVICES and CLOCK point at machines of yours.
if (process.env.DEVICES === undefined) {
  const names = ['boiler', 'pump', 'valve'];
  const started = await Promise.all(names.map((name) => startDevice({ name })));
  process.env.DEVICES = started.map(({ name, address }) => `${name}=${address}`).join(',');
}
if (process.env.CLOCK === undefined) process.env.CLOCK = (await startClock()).address;

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks([], { useProcessExit: true });
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');

const url = await app.getUrl();
const [device = ''] = process.env.DEVICES.split('=');
const routes = [
  ['/devices', 'all of them, side by side'],
  [`/devices/${device}`, 'again and again over one connection: "reused" and "localPort" tell'],
  ['/clock', 'over UDP'],
  ['/connections', 'what the pool holds, and for which address'],
  ['/pools', 'its counts'],
  ['/health', ''],
];
const acts = [
  [`/devices/${device}/restart`, 'it forgets its connections; who reads it next does not notice'],
  [`/devices/${device}/alarm`, 'it speaks without being asked; nobody takes that for an answer'],
];
const column = ([path, what]: string[]) => `${url}${path}`.padEnd(url.length + 25) + what;
console.log(`Try ${routes.map(column).join('\n    ')}`);
console.log(`and ${acts.map((act) => `curl -X POST ${column(act)}`).join('\n    ')}`);
