// Compiles lib/ twice, into dist/esm and dist/cjs. Which of the two a user gets is decided by "exports" in package.json.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { embedPage } from './embed-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

async function compile(project) {
  const child = spawn(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code === 0;
}

// What a removed source file left behind would be published.
await rm(new URL('../dist', import.meta.url), { recursive: true, force: true });
const compiled = await Promise.all(['tsconfig.esm.json', 'tsconfig.cjs.json'].map(compile));
if (compiled.includes(false)) process.exit(1);
// The package is ESM; this folder of it is not.
await writeFile(new URL('../dist/cjs/package.json', import.meta.url), '{ "type": "commonjs" }\n');
process.chdir(root);
await embedPage();
