/** One reader of what a connection sends: keeps what has come until it is asked for, and ends with the connection. */
export class InboundReader<T> implements AsyncIterableIterator<T> {
  private readonly kept: { value: T; bytes: number }[] = [];
  private readonly asked: ((result: IteratorResult<T, undefined>) => void)[] = [];
  private keptBytes = 0;
  private hasEnded = false;

  /**
   * @param onRead - it holds less than before
   * @param onReturn - it is not read any more
   */
  constructor(
    private readonly onRead: () => void,
    private readonly onReturn: () => void,
  ) {}

  /** Bytes that came and were not read. */
  get bytes(): number {
    return this.keptBytes;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  put(value: T, bytes: number): void {
    if (this.hasEnded) return;
    const ask = this.asked.shift();
    if (ask !== undefined) return ask({ done: false, value });
    this.kept.push({ value, bytes });
    // So that empty ones have their weight, too.
    this.keptBytes += bytes + 1;
  }

  /** Nothing more will come; what is kept can still be read. */
  end(): void {
    this.hasEnded = true;
    for (const ask of this.asked.splice(0)) ask({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const first = this.kept.shift();
    if (first !== undefined) {
      this.keptBytes -= first.bytes + 1;
      this.onRead();
      return Promise.resolve({ done: false, value: first.value });
    }
    if (this.hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.asked.push(resolve));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.kept.length = 0;
    this.keptBytes = 0;
    this.end();
    this.onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }
}
