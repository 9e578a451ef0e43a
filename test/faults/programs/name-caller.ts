import { once } from 'node:events';
import { PEERS, type Target } from '../peers.js';
import { Scene } from '../scene.js';
import { until } from '../until.js';

// In a process of its own, because the system's resolver asks whom the process's own resolv.conf says.
const { name, target } = JSON.parse(process.argv[2] as string) as { name: string; target: Target };
const [, peer] = PEERS.find(([each]) => each === name) as (typeof PEERS)[number];
const scene = new Scene(peer, { target });
const load = scene.underLoad();
await until(() => load.failures('acquire').length >= 16);
process.send?.('failing');
await once(process, 'message');
await scene.isBack(load, performance.now());
process.send?.(await scene.end());
process.disconnect();
