import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { transform } from '@swc/core';
import { until } from './until.js';

const OPTIONS = {
  swcrc: false,
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
} as const;

/** The programs of `test/nest/programs` and the library, compiled so that a process of their own can run them. */
export class Programs {
  private constructor(private readonly folder: string) {}

  /** Below the project, where the packages they need are found. */
  static async compile(): Promise<Programs> {
    await mkdir('build', { recursive: true });
    const folder = await mkdtemp(join('build', 'programs-'));
    for (const source of ['lib', 'test/nest/programs']) await compileInto(source, folder);
    await cp('package.json', join(folder, 'package.json'));
    return new Programs(folder);
  }

  run(name: string, ...args: string[]): Program {
    return new Program(join(this.folder, 'test/nest/programs', `${name}.js`), args);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** A process, with all that it has written. */
export class Program {
  output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(script: string, args: string[]) {
    this.child = spawn(process.execPath, ['--enable-source-maps', script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.ended = once(this.child, 'close');
  }

  /** Until it has written this. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null;
    await until(() => {
      found = pattern.exec(this.output);
      if (found === null && this.child.exitCode !== null) throw new Error(`It has ended:\n${this.output}`);
      return found !== null;
    });
    return found as unknown as RegExpExecArray;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Until it has ended, by itself or by a signal. */
  async end(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    await this.ended;
    const { exitCode: code, signalCode: signal } = this.child;
    return { code, signal };
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
