import type { Duplex } from 'node:stream';
import { NO_CODE } from './close-code.js';
import type { Outgoing, Outlet, WriteWaiter } from './outlet.js';
import { unwrittenOf } from './unwritten.js';
import type { Wire } from './wire.js';

/** Writes to a stream: payloads with delimiters, without frames. It has no codes to close with. */
export class DuplexOutlet implements Outlet {
  readonly isFree = true;
  readonly closeCode = NO_CODE;
  readonly mostAtOnce: number;

  constructor(
    private readonly conn: Duplex,
    private readonly wire: Wire,
  ) {
    // Whoever reads objects reads a write as one.
    this.mostAtOnce = conn.writableObjectMode ? 1 : Infinity;
  }

  get isOpen(): boolean {
    return !this.conn.destroyed && this.conn.writable;
  }

  get unwritten(): number {
    return unwrittenOf(this.conn);
  }

  write(items: readonly Outgoing[], waiter: WriteWaiter): boolean {
    const { conn } = this;
    conn.write(this.wire.stream(items), (error) => waiter.onDone(items, error));
    return conn.writableLength === 0 && !conn.destroyed && conn.errored === null;
  }

  ping(): boolean {
    return false;
  }

  close(): void {
    this.conn.end();
  }

  terminate(): void {
    this.conn.destroy();
  }
}
