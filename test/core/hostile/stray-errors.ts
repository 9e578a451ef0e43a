import { runInThisContext } from 'node:vm';

/** The process itself: what a test calls `process` is a copy that hears nothing of it. */
const real = runInThisContext('process') as NodeJS.Process;

const KINDS = ['unhandledRejection', 'uncaughtException'] as const;

type Hear = (error: unknown) => void;

/**
 * Rejections that nobody handles, and exceptions that nobody catches, as they come up in the tests of one `describe`;
 * it listens alone, for Jest would make a text of each, and of some there is none.
 */
export class StrayErrors {
  private errors: unknown[] = [];
  private readonly hear: Hear = (error) => void this.errors.push(error);

  constructor() {
    let others: Hear[][] = [];
    beforeAll(() => {
      others = KINDS.map((kind) => real.rawListeners(kind) as Hear[]);
      for (const kind of KINDS) real.removeAllListeners(kind).on(kind as 'uncaughtException', this.hear);
    });
    afterAll(() => {
      for (const [index, kind] of KINDS.entries()) {
        real.off(kind, this.hear);
        for (const other of others[index] ?? []) real.on(kind as 'uncaughtException', other);
      }
    });
    afterEach(() => expect(this.take().map(textOf)).toEqual([]));
  }

  take(): unknown[] {
    return this.errors.splice(0);
  }
}

/** Of whatever was thrown, also of what has no text. */
export function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'something that has no text';
  }
}
