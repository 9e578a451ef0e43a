import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.mjs';

const PUBLISHED = new Set(['dist', 'package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']);

/** Builds and packs the project; the path of the tarball. */
export async function pack(project, into, signal) {
  await run('npm', ['pack', '--pack-destination', into], { cwd: project, signal });
  const tarball = (await readdir(into)).find((name) => name.endsWith('.tgz'));
  assert(tarball !== undefined, 'npm pack made no tarball');
  return join(into, tarball);
}

/** What is published is what is meant to be, and every path its package.json promises is there. */
export async function checkContents(installed) {
  const strays = (await readdir(installed)).filter((name) => name !== 'node_modules' && !PUBLISHED.has(name));
  assert.deepEqual(strays, [], 'files that should not be published');
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  const code = pathsIn(manifest.exports).filter((path) => path.endsWith('.js'));
  const types = [...code.map((path) => path.replace(/\.js$/, '.d.ts')), ...pathsIn(manifest.typesVersions)];
  for (const path of [manifest.main, manifest.types, ...code, ...types]) await access(join(installed, path));
}

function pathsIn(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(pathsIn);
}
