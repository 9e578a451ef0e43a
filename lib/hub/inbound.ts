import type { Duplex } from 'node:stream';
import { mayBeAck, readAck } from './acknowledgements.js';
import { InboundReader } from './inbound-reader.js';
import { LineSplitter } from './line-splitter.js';
import { pause, type PushTarget, resume } from './push-target.js';

/** What `lines()` may be told. */
export interface LinesOptions {
  /** The longest line, in bytes; a longer one closes the connection (1009). At most `maxMessageBytes`. Default 64 KiB. */
  maxLength?: number;
}

/** Who a connection's readers belong to. */
export interface InboundOwner {
  onAck(upTo: number): void;
  onTooBig(): void;
}

interface Reading {
  readonly reader: { readonly bytes: number; end(): void };
  take(data: string | Buffer): void;
  finish(): void;
}

/** Bytes a reader may leave unread before the connection is read no further. */
const MOST_UNREAD = 256 * 1024;

/**
 * The readers of one connection. Each gets all that comes from its making on; when one falls behind, the connection is
 * paused, so that the client waits and nothing piles up here; where there is no means to, it is closed (1009).
 */
export class Inbound {
  private readonly readings = new Set<Reading>();
  private isHeld = false;
  private hasEnded = false;

  constructor(
    private readonly conn: PushTarget,
    private readonly isStream: boolean,
    private readonly delimiter: string,
    private readonly owner: InboundOwner,
  ) {}

  /** It is paused by us: its silence means nothing. */
  get isPaused(): boolean {
    return this.isHeld;
  }

  /** Frames as they come; of a stream, chunks. */
  messages(): AsyncIterableIterator<string | Buffer> {
    return this.add<string | Buffer>((reader) => ({
      reader,
      take: (data) => reader.put(data, data.length),
      finish: () => reader.end(),
    }));
  }

  /** The text between delimiters. */
  lines(maxLength: number): AsyncIterableIterator<string> {
    const splitter = new LineSplitter(this.delimiter, maxLength);
    return this.add<string>((reader) => {
      const onLine = (line: string, bytes: number): void => {
        const ack = this.isStream && mayBeAck(bytes) ? readAck(line) : undefined;
        if (ack === undefined) reader.put(line, bytes);
        else this.owner.onAck(ack);
      };
      return {
        reader,
        take: (data) => {
          const piece = typeof data === 'string' ? Buffer.from(data) : data;
          if (!splitter.feed(piece, onLine)) this.owner.onTooBig();
        },
        finish: () => {
          splitter.end(onLine);
          reader.end();
        },
      };
    });
  }

  /** Something has come. */
  receive(data: string | Buffer): void {
    for (const reading of [...this.readings]) reading.take(data);
    this.hold();
  }

  /** The connection has ended; what was read of it can still be had. */
  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const readings = [...this.readings];
    this.readings.clear();
    for (const reading of readings) reading.finish();
    this.release();
    if (this.isStream) (this.conn as Duplex).off('data', this.onData);
  }

  private readonly onData = (chunk: Buffer | string): void => {
    this.receive(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  };

  private add<T>(readingOf: (reader: InboundReader<T>) => Reading): AsyncIterableIterator<T> {
    const reader = new InboundReader<T>(
      () => this.release(),
      () => this.remove(reading),
    );
    const reading = readingOf(reader);
    if (this.hasEnded) reader.end();
    else {
      this.readings.add(reading);
      // A stream that nobody reads is the application's, to read as it likes.
      if (this.isStream && this.readings.size === 1) (this.conn as Duplex).on('data', this.onData).resume();
    }
    return reader;
  }

  private remove(reading: Reading): void {
    if (!this.readings.delete(reading)) return;
    this.release();
    if (!this.isStream || this.readings.size > 0) return;
    (this.conn as Duplex).off('data', this.onData);
    // What comes next waits for the next reader.
    (this.conn as Duplex).pause();
  }

  private hold(): void {
    if (!this.isAnyBehind()) return;
    this.isHeld = true;
    // Again, should it have gone on by itself, as an older `ws` does.
    if (!pause(this.conn)) this.owner.onTooBig();
  }

  private release(): void {
    if (!this.isHeld || this.isAnyBehind()) return;
    this.isHeld = false;
    resume(this.conn);
  }

  private isAnyBehind(): boolean {
    for (const { reader } of this.readings) if (reader.bytes > MOST_UNREAD) return true;
    return false;
  }
}
