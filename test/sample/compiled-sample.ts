import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { transform } from '@swc/core';
import { ROOT } from '../docs/pages.js';

const OPTIONS = {
  swcrc: false,
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
} as const;

/** One sample and the library, compiled so that a process of their own can run them. Its types are checked elsewhere. */
export class CompiledSample {
  private constructor(
    private readonly folder: string,
    private readonly sample: string,
  ) {}

  static async of(sample: string): Promise<CompiledSample> {
    const folder = await mkdtemp(join(tmpdir(), 'conn-pool-sample-'));
    for (const source of ['lib', `sample/${sample}`]) await compileInto(join(ROOT, source), folder);
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
    // Imports of the package's own name lead to what has just been compiled.
    const exports = { '.': './lib/index.js', './*': './lib/*/index.js' };
    const manifest = { name: 'nestjs-conn-pool', type: 'module', exports };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    return new CompiledSample(folder, sample);
  }

  get main(): string {
    return join(this.folder, 'sample', this.sample, 'main.js');
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

async function compileInto(source: string, folder: string): Promise<void> {
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = join(folder, relative(ROOT, path).replace(/\.ts$/, '.js'));
    // What Thrift has generated is JavaScript already.
    if (entry.parentPath.endsWith('/gen')) await cp(path, join(folder, relative(ROOT, path)));
    if (!entry.name.endsWith('.ts') || entry.name.endsWith('.d.ts')) continue;
    const { code } = await transform(await readFile(path, 'utf8'), { ...OPTIONS, filename: path });
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, code);
  }
}
