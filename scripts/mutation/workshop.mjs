// A copy of the library and of its tests, compiled as Jest compiles them, in a folder of its own: mutants are put in
// there, and what is edited in the project meanwhile does not disturb a run.
import { transformSync } from '@swc/core';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import jestConfig from '../../jest.config.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const [, jestOptions] = jestConfig.transform['^.+\\.ts$'];
/** The specs import Jest's own object from here; outside Jest there is none. */
const jestGlobals = new URL('jest-object.mjs', import.meta.url).href;

/** Every file of some folders of the project, by its path, with its text. */
export function readSources(...folders) {
  const sources = new Map();
  for (const folder of folders) {
    for (const name of namesIn(join(root, folder))) {
      if (name.endsWith('.ts'))
        sources.set(`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8'));
    }
  }
  return sources;
}

function namesIn(folder) {
  try {
    return readdirSync(folder, { recursive: true }).sort();
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

export class Workshop {
  /** @param {Map<string, string>} sources */
  constructor(sources) {
    this.sources = sources;
    this.folder = mkdtempSync(join(tmpdir(), 'mutation-'));
    process.on('exit', () => this.remove());
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
    // The tests import the library by its name.
    const exports = { '.': './lib/index.js', './*': './lib/*/index.js' };
    writeFileSync(
      join(this.folder, 'package.json'),
      JSON.stringify({ name: 'nestjs-conn-pool', type: 'module', exports }),
    );
    for (const [file, text] of sources) this.put(file, text);
  }

  /** The compiled file. */
  pathOf(file) {
    return join(this.folder, file.replace(/\.ts$/, '.js'));
  }

  put(file, text) {
    const { code } = transformSync(text, { ...jestOptions, filename: file });
    const path = this.pathOf(file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code.replaceAll(/(['"])@jest\/globals\1/g, JSON.stringify(jestGlobals)));
  }

  /** Puts the mutant in the place of its file. */
  mutate({ file, start, end, text }) {
    const source = this.sources.get(file);
    this.put(file, source.slice(0, start) + text + source.slice(end));
  }

  restore({ file }) {
    this.put(file, this.sources.get(file));
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
