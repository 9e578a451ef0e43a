import { execFileSync, type SpawnSyncReturns } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

/**
 * A network namespace of its own at the end of a cable (a veth pair) from this one, for as long as a test lasts. The
 * server within can be cut off without a word: what it sends is dropped, and nobody is told.
 */
export class Namespace implements Disposable {
  /** What runs a program within. */
  readonly within: readonly string[];
  /** Of the far end. */
  readonly address: string;
  private readonly near: string;
  private readonly name: string;
  private readonly cable: string;

  private constructor(tag: string) {
    this.name = `pool-${tag}`;
    this.cable = `cable-${tag}`;
    const subnet = Math.floor(Math.random() * 2 ** 14);
    // 198.18.0.0/15 is set apart for tests of networks; a cable takes four addresses of it.
    const at = (host: number): string =>
      `198.${18 + (subnet >> 13)}.${(subnet >> 6) & 127}.${((subnet & 63) << 2) + host}`;
    this.near = at(1);
    this.address = at(2);
    this.within = ['ip', 'netns', 'exec', this.name];
  }

  /** @returns why there cannot be one on this machine, if there cannot */
  static trouble(): string | undefined {
    try {
      using space = Namespace.make();
      void space;
      return undefined;
    } catch (error) {
      const { stderr, message } = error as Partial<SpawnSyncReturns<Buffer>> & Error;
      return stderr?.toString().trim() || message;
    }
  }

  /** @param nameServer - asked for addresses by programs within; default: as outside */
  static make({ nameServer }: { nameServer?: string } = {}): Namespace {
    const tag = randomBytes(4).toString('hex');
    const space = new Namespace(tag);
    const here = space.cable;
    const there = 'cable';
    try {
      if (nameServer !== undefined) {
        mkdirSync(space.settings, { recursive: true });
        writeFileSync(`${space.settings}/resolv.conf`, nameServer);
      }
      ip('netns', 'add', space.name);
      ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', space.name);
      ip('addr', 'add', `${space.near}/30`, 'dev', here);
      ip('link', 'set', here, 'up');
      ip('-n', space.name, 'addr', 'add', `${space.address}/30`, 'dev', there);
      ip('-n', space.name, 'link', 'set', there, 'up');
      ip('-n', space.name, 'link', 'set', 'lo', 'up');
      return space;
    } catch (error) {
      space[Symbol.dispose]();
      throw error;
    }
  }

  /** Nothing that is sent from within arrives, and nobody is told. */
  cut(): void {
    ip('-n', this.name, 'route', 'add', 'blackhole', `${this.near}/32`);
  }

  /** @returns when it was whole again */
  heal(): number {
    ip('-n', this.name, 'route', 'del', 'blackhole', `${this.near}/32`);
    return performance.now();
  }

  [Symbol.dispose](): void {
    rmSync(this.settings, { recursive: true, force: true });
    // The cable by hand: the namespace lives on with the last of its sockets, which may wait for an answer for minutes.
    for (const end of [
      ['link', 'del', this.cable],
      ['netns', 'del', this.name],
    ]) {
      try {
        ip(...end);
      } catch {
        // It was never made.
      }
    }
  }

  private get settings(): string {
    return `/etc/netns/${this.name}`;
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
