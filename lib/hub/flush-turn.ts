import type { Outbox } from './outbox.js';
import { inSlices } from './slices.js';
import type { Wire } from './wire.js';

/** How long one waits whose connection somebody else is writing to, in pieces. Milliseconds. */
const BUSY_WAIT = 10;

/** The outboxes that have work, each written once at the end of the turn. */
export class FlushTurn {
  private listed: Outbox[] = [];
  private isScheduled = false;
  private retry: NodeJS.Timeout | undefined;
  private readonly busy = new Set<Outbox>();

  constructor(private readonly wire: Wire) {}

  add(outbox: Outbox): void {
    if (outbox.isListed) return;
    outbox.isListed = true;
    this.listed.push(outbox);
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(this.run);
  }

  addLater(outbox: Outbox): void {
    this.busy.add(outbox);
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      const again = [...this.busy];
      this.busy.clear();
      for (const each of again) this.add(each);
    }, BUSY_WAIT).unref();
  }

  private readonly run = (): void => {
    const { listed } = this;
    this.listed = [];
    inSlices(listed, flush, this.onDone);
  };

  private readonly onDone = (): void => {
    this.wire.forget();
    this.isScheduled = this.listed.length > 0;
    if (this.isScheduled) setImmediate(this.run);
  };
}

function flush(outbox: Outbox): void {
  outbox.isListed = false;
  outbox.flush();
}
