// What it costs to dial an address with idle connections, and to close again, among few addresses or many.
import { setImmediate as turn } from 'node:timers/promises';
import { addressesOf, CONNECTIONS, ADDRESSES, pooledCrowd } from './crowd.mjs';
import { EFFORTS, paceOf } from './pace.mjs';

const [count, port, effort] = process.argv.slice(2);
/** Dials in one turn of the event loop. */
const BATCH = 50;
/** However many there are, as many are dialled: what differs is not how much of them the processor's caches hold. */
const DIALLED = 10;

const addresses = addressesOf(Number(count), Number(port));
const pool = await pooledCrowd(addresses, CONNECTIONS / ADDRESSES, {});
const dialled = addressesOf(DIALLED, Number(port));
const { cpu } = await paceOf(
  async () => {
    for (let done = 0; done < BATCH; done += 1) {
      const socket = await pool.dial('tcp', dialled[done % DIALLED].address);
      await socket.close();
    }
    await turn();
  },
  1,
  EFFORTS[effort],
);
// Sockets hold the process.
process.stdout.write(JSON.stringify({ cpu: cpu / BATCH }), () => process.exit(0));
