import { EqualDelays } from '../hub/equal-delays.js';

/** What other instances said to one question. */
export interface Answers {
  readonly answers: readonly { node: string; answer: unknown }[];
  /** Were asked, and said nothing in time. */
  readonly unanswered: number;
  /** Could not even be asked. */
  readonly unreached: number;
}

/** A question on its way. */
class Ask {
  readonly answers: { node: string; answer: unknown }[] = [];
  unreached = 0;
  private expected = Infinity;

  constructor(
    readonly number: string,
    private readonly resolve: (answers: Answers) => void,
  ) {}

  /** An answer may come before it is known who was asked. */
  expect(count: number, unreached: number): void {
    this.expected = count;
    this.unreached = unreached;
  }

  get isComplete(): boolean {
    return this.answers.length >= this.expected;
  }

  settle(): void {
    const { answers, unreached, expected } = this;
    const asked = expected === Infinity ? answers.length + 1 : expected;
    this.resolve({ answers, unanswered: Math.max(0, asked - answers.length), unreached });
  }
}

/** Questions to other instances, and their answers, each within a time. */
export class Asks {
  private readonly open = new Map<string, Ask>();
  private readonly plain: EqualDelays<Ask>;
  private readonly patient: EqualDelays<Ask>;
  private last = 0;

  /**
   * @param timeout - of an answer
   * @param patience - how much longer an answer may take that waits for a client
   */
  constructor(timeout: number, patience: number) {
    this.plain = new EqualDelays<Ask>(timeout, (ask) => this.end(ask));
    this.patient = new EqualDelays<Ask>(timeout + patience, (ask) => this.end(ask));
  }

  /**
   * @param send - sends the question by its number; gives how many were asked (`Infinity` = nobody knows), and how many could not be
   * @returns rejects with what `send` rejects with
   */
  ask(
    isPatient: boolean,
    send: (number: string) => Promise<{ asked: number; unreached: number }>,
  ): Promise<Answers> {
    return new Promise((resolve, reject) => {
      this.last += 1;
      const ask = new Ask(String(this.last), resolve);
      this.open.set(ask.number, ask);
      (isPatient ? this.patient : this.plain).add(ask);
      send(ask.number).then(
        ({ asked, unreached }) => {
          ask.expect(asked, unreached);
          if (ask.isComplete) this.end(ask);
        },
        (cause: Error) => {
          this.forget(ask);
          reject(cause);
        },
      );
    });
  }

  /** Somebody has answered; whoever answers too late, or what was never asked, is not heard. */
  answer(number: unknown, node: string, answer: unknown): void {
    const ask = this.open.get(number as string);
    if (ask === undefined) return;
    ask.answers.push({ node, answer });
    if (ask.isComplete) this.end(ask);
  }

  endAll(): void {
    for (const ask of [...this.open.values()]) this.end(ask);
  }

  private end(ask: Ask): void {
    if (!this.forget(ask)) return;
    ask.settle();
  }

  private forget(ask: Ask): boolean {
    this.plain.delete(ask);
    this.patient.delete(ask);
    return this.open.delete(ask.number);
  }
}
