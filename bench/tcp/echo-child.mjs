// One way of exchanging packages in a process of its own.
import { TcpPool } from '../../dist/esm/tcp/index.js';
import { HOST } from '../sockets/contender.mjs';
import { EFFORTS, paceOf } from '../sockets/pace.mjs';
import { PlainClient } from './plain-client.mjs';

const [name, port, bytes, workers, effort] = process.argv.slice(2);
const data = Buffer.alloc(Number(bytes), 'q');
const address = `${HOST}:${port}`;

const each = (make) => Promise.all(Array.from({ length: Number(workers) }, make));

const CONTENDERS = {
  raw: async () => {
    const clients = await each(() => PlainClient.connect(Number(port)));
    return (worker) => clients[worker].sendRecv(data);
  },
  kept: async () => {
    const pool = new TcpPool();
    const conns = await each(() => pool.get(address));
    return (worker) => conns[worker].sendRecvPkg(data);
  },
  borrowed: async () => {
    const pool = new TcpPool();
    return async () => {
      const conn = await pool.get(address);
      const answer = await conn.sendRecvPkg(data);
      await conn.close();
      return answer;
    };
  },
};

const exchange = await CONTENDERS[name]();
const checked = async (worker) => {
  const { length } = await exchange(worker);
  if (length !== data.length) throw new Error(`${length} bytes have come`);
};
const pace = await paceOf(checked, Number(workers), EFFORTS[effort]);
// Sockets hold the process.
process.stdout.write(JSON.stringify(pace), () => process.exit(0));
