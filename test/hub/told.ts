import type { ConnHub, Position } from 'nestjs-conn-pool/hub';
import { Line } from './fleet.js';
import { until } from './until.js';

/** What a client of a hub with a box is told. */
export interface Told {
  hub?: { epoch?: string; offset?: number; recovered?: boolean; missed?: number };
  offset?: number;
  data?: unknown;
  /** Came without a number. */
  bare?: string;
}

/** A client of a hub with a box, over a stream. */
export class BoxClient {
  constructor(readonly line: Line) {}

  /** Joins, and waits for the hello. */
  static async join(hub: ConnHub, id: string, resume?: Position): Promise<BoxClient> {
    const client = BoxClient.add(hub, id, resume);
    await until(() => client.line.heard.length > 0);
    return client;
  }

  static add(hub: ConnHub, id: string, resume?: Position): BoxClient {
    const line = new Line();
    hub.add(id, line, { resume });
    return new BoxClient(line);
  }

  /** One that takes a message each turn, or none after the first `takes`. */
  static slow(hub: ConnHub, id: string, resume?: Position, takes = Infinity): BoxClient {
    const line = new Line();
    const take = line._write.bind(line);
    let taken = 0;
    line._write = (chunk, encoding, done) => {
      if (taken >= takes) return;
      taken += 1;
      setImmediate(() => take(chunk, encoding, done));
    };
    hub.add(id, line, { resume });
    return new BoxClient(line);
  }

  get told(): Told[] {
    return this.line.heard.map((text) =>
      text.startsWith('{') ? (JSON.parse(text) as Told) : { bare: text },
    );
  }

  /** The first. */
  get hello(): NonNullable<Told['hub']> {
    return this.told[0]?.hub ?? {};
  }

  get hellos(): NonNullable<Told['hub']>[] {
    return this.told.flatMap(({ hub }) => (hub === undefined ? [] : [hub]));
  }

  get texts(): unknown[] {
    return this.told.filter(({ offset }) => offset !== undefined).map(({ data }) => data);
  }

  get numbers(): (number | undefined)[] {
    return this.told.filter(({ offset }) => offset !== undefined).map(({ offset }) => offset);
  }

  /** Where it would say that it stands. */
  get position(): Position {
    let at: Position = { offset: 0 };
    for (const { hub, offset } of this.told) {
      if (hub !== undefined) {
        const { epoch, offset: top = 0, missed = 0 } = hub;
        at = { epoch, offset: top - missed };
      } else if (offset !== undefined) at = { ...at, offset };
    }
    return at;
  }

  async gone(hub: ConnHub, id: string): Promise<void> {
    this.line.hangUp();
    await until(() => !hub.has(id));
  }
}
