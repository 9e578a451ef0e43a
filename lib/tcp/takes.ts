import { LONGEST_TIMER } from '../core/longest-timer.js';
import type { ByteQueue } from './byte-queue.js';
import { type PackageFormat, takePackage, takePackages, wantedBytes } from './package-format.js';
import { LineTooLongError, type Where } from './tcp-errors.js';

const NOTHING = Buffer.alloc(0);

/** One way of reading: what is taken from what has come, and when. */
export interface Take<R> {
  /**
   * What is to be read, once it is there.
   *
   * @param ended - nothing more will come
   * @throws what makes the connection unfit to be read any further
   */
  take(ended: boolean): R | undefined;
  /** How many bytes must be there, as far as is known. */
  readonly wanted: number;
  /** What has come of it, at a deadline. Bytes and lines are taken away; the beginning of a package stays. */
  partial(): Buffer;
  /** Bytes that are there are no clean end. */
  readonly begun: boolean;
  /** How many packages that was; of bytes and lines nobody knows what they answer. */
  packagesIn?(taken: R): number;
  stop?(): void;
}

abstract class BytesTake {
  constructor(protected readonly queue: ByteQueue) {}

  partial(): Buffer {
    return this.queue.take(this.queue.length);
  }

  get begun(): boolean {
    return this.queue.length > 0;
  }
}

/** So many bytes. */
export class ExactTake extends BytesTake implements Take<Buffer> {
  constructor(
    queue: ByteQueue,
    readonly wanted: number,
  ) {
    super(queue);
  }

  take(): Buffer | undefined {
    return this.queue.length < this.wanted ? undefined : this.queue.take(this.wanted);
  }
}

/** What is there, but no more than so much. */
export class SomeTake extends BytesTake implements Take<Buffer> {
  readonly wanted = 1;

  constructor(
    queue: ByteQueue,
    private readonly most: number,
  ) {
    super(queue);
  }

  take(): Buffer | undefined {
    const { length } = this.queue;
    return length === 0 ? undefined : this.queue.take(Math.min(length, this.most));
  }
}

/** What comes until there is a gap. */
export class BurstTake extends BytesTake implements Take<Buffer> {
  private seen = 0;
  private gap: NodeJS.Timeout | undefined = undefined;
  private passed = false;

  constructor(
    queue: ByteQueue,
    /** Less than this is all there is. */
    private readonly few: number,
    readonly wanted: number,
    /** How long the gap is, in milliseconds. */
    private readonly wait: number,
    private readonly look: () => void,
  ) {
    super(queue);
  }

  take(ended: boolean): Buffer | undefined {
    const { length } = this.queue;
    if (length === 0) return undefined;
    const isFew = this.seen === 0 && length < this.few;
    if (isFew || ended || this.passed || length >= this.wanted) {
      this.stop();
      return this.queue.take(Math.min(length, this.wanted));
    }
    if (length !== this.seen) {
      this.stop();
      this.seen = length;
      this.gap = setTimeout(
        () => {
          this.passed = true;
          this.look();
        },
        Math.min(this.wait, LONGEST_TIMER),
      );
    }
    return undefined;
  }

  stop(): void {
    clearTimeout(this.gap);
  }
}

/** Up to a delimiter. */
export class DelimitedTake extends BytesTake implements Take<Buffer> {
  /** Before this there is none. */
  private looked = 0;
  readonly wanted: number;

  constructor(
    queue: ByteQueue,
    private readonly delimiter: Buffer,
    private readonly keep: boolean,
    /** Without the delimiter. */
    private readonly maxBytes: number,
    private readonly where: Where,
  ) {
    super(queue);
    this.wanted = maxBytes + delimiter.length;
  }

  take(): Buffer | undefined {
    const { queue, delimiter, maxBytes } = this;
    const at = queue.indexOf(delimiter, this.looked);
    const came = at < 0 ? queue.length - delimiter.length + 1 : at;
    if (came > maxBytes) throw new LineTooLongError(this.where, maxBytes);
    if (at < 0) {
      this.looked = Math.max(0, came);
      return undefined;
    }
    this.looked = 0;
    if (this.keep) return queue.take(at + delimiter.length);
    const line = queue.take(at);
    queue.skip(delimiter.length);
    return line;
  }
}

/** All lines that are there. */
export class LinesTake extends BytesTake implements Take<Buffer[]> {
  readonly wanted: number;
  private readonly one: DelimitedTake;

  constructor(
    queue: ByteQueue,
    private readonly end: Buffer,
    private readonly maxBytes: number,
    where: Where,
  ) {
    super(queue);
    this.one = new DelimitedTake(queue, end, false, maxBytes, where);
    this.wanted = this.one.wanted;
  }

  take(): Buffer[] | undefined {
    const lines: Buffer[] = [];
    const { queue, end, maxBytes } = this;
    for (let next = this.next(lines); next !== undefined; next = this.next(lines)) {
      lines.push(next);
      queue.viewsBefore(end[0] as number, maxBytes, lines);
    }
    return lines.length === 0 ? undefined : lines;
  }

  /** One that goes on from chunk to chunk. One that is too long is told of when it is the first. */
  private next({ length }: readonly Buffer[]): Buffer | undefined {
    try {
      return this.one.take();
    } catch (error) {
      if (length === 0) throw error;
      return undefined;
    }
  }
}

/** One package. */
export class PackageTake implements Take<Buffer> {
  constructor(
    private readonly queue: ByteQueue,
    private readonly format: PackageFormat,
    private readonly where: Where,
  ) {}

  take(): Buffer | undefined {
    return takePackage(this.queue, this.format, this.where);
  }

  packagesIn(): number {
    return 1;
  }

  get wanted(): number {
    return wantedBytes(this.queue, this.format);
  }

  partial(): Buffer {
    const { length } = this.queue;
    return length === 0 ? NOTHING : this.queue.copy(this.format.headerSize, length);
  }

  get begun(): boolean {
    return this.queue.length > 0;
  }
}

/** All packages that are there. */
export class PackagesTake implements Take<Buffer[]> {
  private readonly one: PackageTake;

  constructor(
    private readonly queue: ByteQueue,
    private readonly format: PackageFormat,
    where: Where,
  ) {
    this.one = new PackageTake(queue, format, where);
  }

  take(): Buffer[] | undefined {
    const packages: Buffer[] = [];
    takePackages(this.queue, this.format, packages, false);
    if (packages.length > 0) return packages;
    // None is whole; one that is too long is told of.
    const first = this.one.take();
    return first === undefined ? undefined : [first];
  }

  packagesIn({ length }: Buffer[]): number {
    return length;
  }

  get wanted(): number {
    return this.one.wanted;
  }

  partial(): Buffer {
    return this.one.partial();
  }

  get begun(): boolean {
    return this.one.begun;
  }
}
