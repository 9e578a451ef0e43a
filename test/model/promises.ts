import type { Judge } from './judge.js';
import { codeOf } from './words.js';

/** With these a promise may be rejected that is not an acquire's. */
const ALLOWED = ['ERR_POOL_CLOSED', 'ERR_DIAL'];

/** The promises of a pool, besides those of acquires: each must settle, and not with just anything. */
export class Promises {
  private readonly open = new Map<object, string>();

  constructor(private readonly judge: Judge) {}

  get unsettled(): string[] {
    return [...this.open.values()];
  }

  follow(what: string, promise: Promise<unknown>): void {
    const failed = (error: unknown): void => {
      if (ALLOWED.includes(String(codeOf(error))) || (error as Error).message === 'aborted') return;
      this.judge.at('thrown', { what, error, inside: false });
    };
    this.settles(what, promise.catch(failed));
  }

  /** @param promise - its rejection is seen to already */
  settles(what: string, promise: Promise<unknown>): void {
    const mark = {};
    this.open.set(mark, what);
    void promise.then(() => this.open.delete(mark));
  }
}
