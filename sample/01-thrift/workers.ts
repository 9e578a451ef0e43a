import { pathToFileURL } from 'node:url';
import { ConnPool } from 'nestjs-conn-pool/core';
import { ThriftConnectionError, thriftConnector } from 'nestjs-conn-pool/thrift';
import thrift from 'thrift';
import * as ConnPoolExample from './gen/ConnPoolExample.js';
import { startThriftServer } from './thrift-server.js';

const WORKERS = 5;
const CALLS = 10;
const BROKEN_CALL = 5;

export interface WorkersReport {
  answered: number;
  /** Calls that the server answered with an exception: their connections are kept. */
  refused: number;
  /** Calls whose connection broke. */
  broken: number;
  /** Connections of the pool in the end. */
  connections: number;
}

/** Five workers make ten calls each; at its fifth call the connection of each breaks. */
export async function runWorkers(host: string, port: number): Promise<WorkersReport> {
  const connector = thriftConnector({
    service: ConnPoolExample,
    host,
    port,
    transport: 'framed',
    ping: (client) => client.Ping('ok'),
  });
  const report: WorkersReport = { answered: 0, refused: 0, broken: 0, connections: 0 };
  await using pool = new ConnPool(connector, { name: 'workers', max: WORKERS, min: WORKERS });
  await pool.start();

  const call = (worker: number, count: number): Promise<string> =>
    pool.use((client, lease) => {
      if (count === BROKEN_CALL) lease.discard('broken for the sake of example');
      return client.Echo(`call ${count} of worker ${worker}`);
    });

  const work = async (worker: number): Promise<void> => {
    for (let count = 1; count <= CALLS; count += 1) {
      try {
        await call(worker, count);
        report.answered += 1;
      } catch (error) {
        if (error instanceof thrift.Thrift.TApplicationException) report.refused += 1;
        else if (error instanceof ThriftConnectionError) report.broken += 1;
        else throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, index) => work(index + 1)));

  // The broken ones have been replaced.
  report.connections = await pool.warmUp();
  return report;
}

// By itself: `node workers.js`, on a server whose Echo fails every second time.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = await startThriftServer({ failEverySecondEcho: true });
  console.log(await runWorkers(server.host, server.port));
  await server.close();
}
