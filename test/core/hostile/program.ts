import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { transform } from '@swc/core';

const OPTIONS = {
  swcrc: false,
  jsc: { target: 'es2022', parser: { syntax: 'typescript' }, transform: { useDefineForClassFields: false } },
  module: { type: 'es6' },
} as const;

/** No process may outlive its test. */
const LONGEST = 60_000;
/** What the programs import; the engine knows nothing of the rest. */
const SOURCES = ['lib/core', 'lib/testing', 'test/core/hostile/programs'];

/** The programs of this folder and the engine, compiled so that a process of its own can run them. */
export class Programs {
  private constructor(private readonly folder: string) {}

  /** Below the project, where the packages they need are found. */
  static async compile(): Promise<Programs> {
    await mkdir('build', { recursive: true });
    const folder = await mkdtemp(join('build', 'hostile-'));
    for (const source of SOURCES) await compileInto(source, folder);
    await cp('package.json', join(folder, 'package.json'));
    return new Programs(folder);
  }

  /** Runs a program to its end. @returns what it has printed; rejects when it ends badly */
  run(flags: readonly string[], name: string, ...args: string[]): Promise<string> {
    const script = join(this.folder, 'test/core/hostile/programs', `${name}.js`);
    const options = { timeout: LONGEST, killSignal: 'SIGKILL', maxBuffer: 2 ** 20 } as const;
    return new Promise((resolve, reject) => {
      execFile(process.execPath, [...flags, script, ...args], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(
            new Error(
              `${name} ${args.join(' ')} ended badly (${error.signal ?? error.code}): ${stderr.slice(0, 2000)}`,
            ),
          );
      });
    });
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

async function compileInto(source: string, folder: string): Promise<void> {
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    const target = join(folder, path.replace(/\.ts$/, '.js'));
    const { code } = await transform(await readFile(path, 'utf8'), { ...OPTIONS, filename: path });
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, code);
  }
}
