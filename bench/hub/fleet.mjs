import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startBroker } from './broker.mjs';
import { openContender } from './contender.mjs';
import { Crowd } from './crowd.mjs';

/** Two instances of something over something. The first named is what the others are held against. */
export const FLEETS = {
  'socket.io over Redis': { name: 'socket.io', kind: 'redis' },
  'hub over Redis': { name: 'hub', kind: 'redis' },
  'hub over NATS': { name: 'hub', kind: 'nats' },
};

/**
 * One instance in this process; the connections are at another, their clients in a third.
 *
 * @param {string} fleet
 * @param {number} port - where the clients take orders
 * @param {number} count
 */
export async function openFleet(fleet, port, count) {
  const { name, kind } = FLEETS[fleet];
  const broker = await startBroker(kind);
  process.on('exit', () => broker.stop());
  const script = fileURLToPath(new URL('instance.mjs', import.meta.url));
  const other = spawn(process.execPath, [script, name, kind, broker.url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const where = JSON.parse(
    await new Promise((resolve) => other.stdout.once('data', (data) => resolve(String(data)))),
  );
  const crowd = await Crowd.at(port);
  await crowd.dial({ ...where, count });
  await crowd.settle();
  return { crowd, ...(await openContender(name, { broker })) };
}
