// One contender in a process of its own, against a server in another: what it does to the compiler and to the heap, no
// other meets.
import { loadContender } from './contender.mjs';
import { EFFORTS, paceOf } from './pace.mjs';

const [name, port, bytes, workers, effort] = process.argv.slice(2);

const open = await loadContender(name);
const contender = await open({
  port: Number(port),
  request: Buffer.alloc(Number(bytes), 'q'),
  answerBytes: Number(bytes),
  workers: Number(workers),
});
const pace = await paceOf(contender.roundTrip, Number(workers), EFFORTS[effort]);
// Sockets hold the process.
process.stdout.write(JSON.stringify(pace), () => process.exit(0));
