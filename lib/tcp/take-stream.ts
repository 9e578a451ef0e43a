import { EofError } from './tcp-errors.js';

/** What a stream of things read needs of its connection. */
export interface TakeSource<R> {
  /** One that is there and that nobody waits for. */
  now(): R | undefined;
  next(): Promise<R>;
}

/**
 * What comes on a connection, one after the other. Nothing is read ahead of whoever asks, so that a peer is held up by a
 * slow reader, and what is not asked for stays with the connection. To leave the loop does not close the connection.
 */
export class TakeStream<R> implements AsyncIterableIterator<R> {
  private over = false;

  constructor(private readonly source: TakeSource<R>) {}

  next(): Promise<IteratorResult<R, undefined>> {
    if (this.over) return Promise.resolve({ value: undefined, done: true });
    try {
      const value = this.source.now();
      if (value !== undefined) return Promise.resolve({ value, done: false });
    } catch (error) {
      this.over = true;
      return Promise.reject(error);
    }
    return this.source.next().then((value) => ({ value, done: false }), this.onEnd);
  }

  return(): Promise<IteratorResult<R, undefined>> {
    this.over = true;
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An end between two is no error. */
  private readonly onEnd = (error: unknown): IteratorResult<R, undefined> => {
    this.over = true;
    if (error instanceof EofError && !error.truncated) return { value: undefined, done: true };
    throw error;
  };
}
