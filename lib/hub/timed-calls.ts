import { EqualDelays } from './equal-delays.js';

/** A call that has not been answered. */
interface Unanswered {
  readonly reject: (cause: Error) => void;
}

/** Calls to a server that may never answer: each is given up after the same time. */
export class TimedCalls {
  private readonly unanswered: EqualDelays<Unanswered>;

  /** @param onLate - called after the call has been rejected */
  constructor(
    server: string,
    private readonly timeout: number,
    onLate: (cause: Error) => void,
  ) {
    this.unanswered = new EqualDelays(timeout, ({ reject }) => {
      const late = new Error(`${server} gave no answer within ${timeout} ms`);
      reject(late);
      onLate(late);
    });
  }

  /** When a call of now will have been given up at the latest: with the first, on the clock of `performance.now()`. */
  get end(): number {
    return this.unanswered.soonest ?? performance.now() + this.timeout;
  }

  run<R>(call: () => Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      const entry: Unanswered = { reject };
      this.unanswered.add(entry);
      const failed = (cause: unknown): void => {
        this.unanswered.delete(entry);
        reject(cause as Error);
      };
      try {
        call().then((answer) => {
          this.unanswered.delete(entry);
          resolve(answer);
        }, failed);
      } catch (cause) {
        failed(cause);
      }
    });
  }

  /** What is called later is not among them. */
  rejectAll(cause: Error): void {
    const unanswered = this.unanswered.items();
    this.unanswered.clear();
    for (const { reject } of unanswered) reject(cause);
  }
}
