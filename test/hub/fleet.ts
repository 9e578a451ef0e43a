import {
  type Backplane,
  ConnHub,
  type ConnHubOptions,
  type Delivery,
  type HubEvent,
} from 'nestjs-conn-pool/hub';
import { Duplex } from 'node:stream';

/** A connection that is a stream in memory, and what it was sent. */
export class Line extends Duplex {
  readonly heard: string[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.heard.push(...chunk.toString().split('\n').slice(0, -1));
    done();
  }

  /** What a client would send. */
  say(text: string): void {
    this.push(text);
  }

  /** The client goes. */
  hangUp(): void {
    this.destroy();
  }
}

/** Instances of one hub. */
export interface Fleet {
  readonly hubs: readonly ConnHub[];
  /** What each has told, without where and when. */
  readonly told: readonly string[][];
  /** A connection on one of them. */
  join(hub: number, id: string): Line;
  close(): Promise<void>;
}

export function fleet(
  count: number,
  backplane: (at: number) => Backplane,
  options: ConnHubOptions = {},
): Fleet {
  const hubs = Array.from(
    { length: count },
    (_, at) => new ConnHub({ name: 'chat', node: `n${at}`, backplane: backplane(at), ...options }),
  );
  const told = hubs.map((hub) => {
    const lines: string[] = [];
    hub.events$.subscribe((event) => void lines.push(lineOf(event)));
    return lines;
  });
  return {
    hubs,
    told,
    join: (at, id) => {
      const line = new Line();
      hubs[at]?.add(id, line);
      return line;
    },
    close: async () => void (await Promise.all(hubs.map((hub) => hub.close({ drain: 0 })))),
  };
}

function lineOf(event: HubEvent): string {
  if (event.type === 'backplane') return `backplane ${event.state}`;
  const id = 'id' in event ? ` ${event.id}` : '';
  const reason = 'reason' in event ? ` ${event.reason}` : '';
  return `${event.type}${id}${reason}`;
}

export const OFFLINE: Delivery = { status: 'offline', connections: 0 };
