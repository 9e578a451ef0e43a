import { registerAs } from '@nestjs/config';

/** Where the devices and the clock are: `DEVICES=boiler=10.0.0.7:7001,pump=10.0.0.8:7001` and `CLOCK=10.0.0.9:7123`. */
export const devicesConfig = registerAs('devices', () => ({
  addresses: new Map((process.env.DEVICES ?? '').split(',').map(nameAndAddress)),
  clock: process.env.CLOCK ?? '127.0.0.1:7123',
}));

function nameAndAddress(text: string): [string, string] {
  const [name, address] = text.split('=');
  if (name === undefined || address === undefined) {
    throw new Error(`DEVICES holds "${text}"; allowed: name=host:port, and more of them after a comma.`);
  }
  return [name, address];
}
