import { randomBytes } from 'node:crypto';
import type { BoxLoss, BoxRules, ExactPosition, Found, Position } from './box.js';
import { EqualDelays } from './equal-delays.js';
import type { Message } from './message.js';

/** One message of one id. */
interface Kept {
  readonly shelf: Shelf;
  readonly message: Message;
  /** It was sent to somebody, so that its loss is none. */
  isSent: boolean;
}

/** What is known of one id. */
interface Shelf {
  readonly id: string;
  epoch: string;
  /** The last number. */
  top: number;
  /** Up to here somebody has fetched them. */
  fetched: number;
  bytes: number;
  /** The last of them has the number `top`, and none between is missing. */
  readonly kept: Kept[];
}

/** The last messages of every id, in this process. All of it happens at once. */
export class MemoryBox {
  /** The one that was used last stands last. */
  private readonly shelves = new Map<string, Shelf>();
  private readonly lives: EqualDelays<Kept>;

  constructor(
    private readonly rules: BoxRules,
    private readonly onLost: (loss: BoxLoss) => void,
  ) {
    // The oldest of its shelf, for all live equally long.
    this.lives = new EqualDelays<Kept>(rules.ttl, ({ shelf }) => this.drop(shelf, 1));
  }

  /** @param isSent - somebody has the id */
  put(id: string, message: Message, isSent: boolean): { at: ExactPosition; isKept: boolean } {
    const { size, maxBytes } = this.rules;
    const shelf = this.shelfOf(id);
    const isKept = message.bytes <= maxBytes;
    let surplus = isKept ? Math.max(0, shelf.kept.length + 1 - size) : shelf.kept.length;
    let bytes = shelf.bytes + message.bytes;
    for (let at = 0; at < surplus; at += 1) bytes -= bytesAt(shelf, at);
    while (isKept && bytes > maxBytes) {
      bytes -= bytesAt(shelf, surplus);
      surplus += 1;
    }
    this.drop(shelf, surplus);
    shelf.top += 1;
    if (isKept) this.keep(shelf, message, isSent);
    return { at: { epoch: shelf.epoch, offset: shelf.top }, isKept };
  }

  find(id: string, from: Position | undefined): Found {
    const shelf = this.shelfOf(id);
    const { epoch, top, kept } = shelf;
    const at = { epoch, offset: top };
    const count = from === undefined ? undefined : missing(from, at);
    if (count === undefined || count > kept.length) return { at, missed: undefined };
    shelf.fetched = top;
    return { at, missed: kept.slice(kept.length - count).map(({ message }) => message) };
  }

  miss(id: string, { epoch, offset }: ExactPosition): void {
    const shelf = this.shelves.get(id);
    if (shelf?.epoch !== epoch) return;
    const kept = shelf.kept[shelf.kept.length - 1 - (shelf.top - offset)];
    if (kept !== undefined) kept.isSent = false;
  }

  renew(id: string): ExactPosition {
    const shelf = this.shelfOf(id);
    this.drop(shelf, shelf.kept.length);
    shelf.epoch = newEpoch();
    shelf.top = 0;
    shelf.fetched = 0;
    return { epoch: shelf.epoch, offset: 0 };
  }

  clear(): void {
    this.lives.clear();
    this.shelves.clear();
  }

  private shelfOf(id: string): Shelf {
    const found = this.shelves.get(id);
    if (found !== undefined) {
      this.shelves.delete(id);
      this.shelves.set(id, found);
      return found;
    }
    const shelf: Shelf = { id, epoch: newEpoch(), top: 0, fetched: 0, bytes: 0, kept: [] };
    this.shelves.set(id, shelf);
    if (this.shelves.size > this.rules.maxIds) this.forgetQuietest();
    return shelf;
  }

  private forgetQuietest(): void {
    for (const [id, shelf] of this.shelves) {
      this.shelves.delete(id);
      this.drop(shelf, shelf.kept.length);
      return;
    }
  }

  private keep(shelf: Shelf, message: Message, isSent: boolean): void {
    const kept: Kept = { shelf, message, isSent };
    shelf.kept.push(kept);
    shelf.bytes += message.bytes;
    this.lives.add(kept);
  }

  /** The oldest of them. */
  private drop(shelf: Shelf, count: number): void {
    if (count === 0) return;
    const first = shelf.top - shelf.kept.length + 1;
    let messages = 0;
    let bytes = 0;
    shelf.kept.splice(0, count).forEach((kept, at) => {
      this.lives.delete(kept);
      shelf.bytes -= kept.message.bytes;
      if (kept.isSent || first + at <= shelf.fetched) return;
      messages += 1;
      bytes += kept.message.bytes;
    });
    if (messages > 0) this.onLost({ id: shelf.id, messages, bytes });
  }
}

/** How many messages a client lacks; `undefined` when it stands nowhere in this numbering. */
function missing({ epoch, offset }: Position, at: ExactPosition): number | undefined {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > at.offset) return undefined;
  const isOfThis = epoch === undefined ? offset === 0 : epoch === at.epoch;
  return isOfThis ? at.offset - offset : undefined;
}

function bytesAt({ kept }: Shelf, at: number): number {
  return (kept[at] as Kept).message.bytes;
}

export function newEpoch(): string {
  return randomBytes(9).toString('base64url');
}
