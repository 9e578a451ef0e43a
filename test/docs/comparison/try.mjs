// Tries one pool in all cases and prints what it finds: node try.mjs <pool> <the table's cells, as JSON>
import { tryAll } from './cases.mjs';
import { POOLS } from './pools.mjs';

const [name = '', cells = '{}'] = process.argv.slice(2);
// What a pool leaves unhandled shows in the case that meets it.
process.on('unhandledRejection', () => undefined);
process.on('uncaughtException', () => undefined);
console.log(JSON.stringify(await tryAll(async (resources) => POOLS[name](resources), JSON.parse(cells))));
process.exit();
