import { EqualDelays } from './equal-delays.js';

/** What other instances said to one question. */
export interface Answers {
  readonly answers: readonly { node: string; answer: unknown }[];
  /** Were asked, and said nothing in time. */
  readonly unanswered: number;
  /** Could not even be asked. */
  readonly unreached: number;
  /** It was known how many were asked. */
  readonly isCounted: boolean;
}

/** A question on its way. */
class Ask {
  readonly answers: { node: string; answer: unknown }[] = [];
  unreached = 0;
  expected = Infinity;
  /** Those of whom it is known that they were asked. */
  private named: Set<string> | undefined = undefined;

  constructor(
    readonly number: string,
    readonly delays: EqualDelays<Ask>,
    private readonly resolve: (answers: Answers) => void,
    readonly reject: (cause: Error) => void,
  ) {}

  /** Whoever answers knows who else was asked. */
  name(node: string, others: readonly string[]): void {
    if (others.length === 0 && this.answers.length === 1) this.expected = 1;
    else {
      this.named ??= new Set(this.answers.map((each) => each.node));
      this.named.add(node);
      for (const other of others) this.named.add(other);
      this.expected = this.named.size;
    }
  }

  get isComplete(): boolean {
    return this.answers.length >= this.expected;
  }

  settle(): void {
    const { answers, unreached, expected } = this;
    const isCounted = expected !== Infinity;
    const asked = isCounted ? expected : answers.length + 1;
    const unanswered = Math.max(0, asked - answers.length);
    this.resolve({ answers, unanswered, unreached, isCounted });
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

  /** @param send - sends the question by its number; how many were asked, `expect()` or the answers say */
  ask(isPatient: boolean, send: (number: string) => void): Promise<Answers> {
    return new Promise((resolve, reject) => {
      this.last += 1;
      const ask = new Ask(String(this.last), isPatient ? this.patient : this.plain, resolve, reject);
      this.open.set(ask.number, ask);
      ask.delays.add(ask);
      send(ask.number);
    });
  }

  /** It is known how many were asked, and how many could not be; an answer may have come before. */
  expect(number: string, asked: number, unreached: number): void {
    const ask = this.open.get(number);
    if (ask === undefined) return;
    ask.expected = asked;
    ask.unreached = unreached;
    if (ask.isComplete) this.end(ask);
  }

  /** It was not asked. */
  fail(number: string, cause: Error): void {
    const ask = this.open.get(number);
    if (ask !== undefined && this.forget(ask)) ask.reject(cause);
  }

  /**
   * Somebody has answered; whoever answers too late, or what was never asked, is not heard.
   *
   * @param others - who else was asked, where the one that answers knows it
   */
  answer(number: unknown, node: string, answer: unknown, others?: readonly string[]): void {
    const ask = this.open.get(number as string);
    if (ask === undefined) return;
    ask.answers.push({ node, answer });
    if (others !== undefined) ask.name(node, others);
    if (ask.isComplete) this.end(ask);
  }

  endAll(): void {
    for (const ask of [...this.open.values()]) this.end(ask);
  }

  private end(ask: Ask): void {
    if (this.forget(ask)) ask.settle();
  }

  private forget(ask: Ask): boolean {
    ask.delays.delete(ask);
    return this.open.delete(ask.number);
  }
}
