// Another instance, in a process of its own, which has the connections.
import { openContender } from './contender.mjs';

const [name, kind, url] = process.argv.slice(2);
const { where } = await openContender(name, { broker: { kind, url } });
process.stdout.write(JSON.stringify(where));
// Whoever started it has gone.
process.stdin.resume().on('end', () => process.exit(0));
