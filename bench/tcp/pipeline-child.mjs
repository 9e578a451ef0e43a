// Many packages on one connection, each after the answer to the one before, or all of them at once.
import { TcpConn } from '../../dist/esm/tcp/index.js';
import { HOST } from '../sockets/contender.mjs';
import { EFFORTS, paceOf } from '../sockets/pace.mjs';

const [name, port, effort] = process.argv.slice(2);
const BATCH = 100;
const data = Buffer.alloc(64, 'q');
const batch = Array.from({ length: BATCH }, () => data);
const conn = await TcpConn.connect(`${HOST}:${port}`);

const CONTENDERS = {
  'one by one': async () => {
    for (let done = 0; done < BATCH; done += 1) await conn.sendRecvPkg(data);
  },
  pipelined: async () => {
    await conn.sendPkgs(batch);
    for (let left = BATCH; left > 0;) left -= (await conn.recvPkgs()).length;
  },
};

const { rate } = await paceOf(CONTENDERS[name], 1, EFFORTS[effort]);
// Sockets hold the process.
process.stdout.write(JSON.stringify({ rate: rate * BATCH }), () => process.exit(0));
