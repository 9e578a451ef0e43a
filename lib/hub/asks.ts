import { randomInt } from 'node:crypto';
import { LONGEST_TIMER } from '../core/longest-timer.js';

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
class Ask implements Answers {
  readonly answers: { node: string; answer: unknown }[] = [];
  unreached = 0;
  expected = Infinity;
  /** Those of whom it is known that they were asked. */
  private named: Set<string> | undefined = undefined;

  constructor(
    readonly deadline: number,
    readonly done: (said: Answers) => void,
    readonly failed: (cause: Error) => void,
  ) {}

  get isCounted(): boolean {
    return this.expected !== Infinity;
  }

  get unanswered(): number {
    return this.isCounted ? Math.max(0, this.expected - this.answers.length) : 1;
  }

  get isComplete(): boolean {
    return this.answers.length >= this.expected;
  }

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
}

/** Questions that may all take equally long: the first that was asked is the first whose time is over. */
class Shelf {
  readonly open = new Map<number, Ask>();
  private timer: NodeJS.Timeout | undefined;

  constructor(readonly delay: number) {}

  add(number: number, ask: Ask): void {
    this.open.set(number, ask);
    if (this.timer === undefined) this.arm(this.delay);
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    const now = performance.now();
    for (const [number, ask] of this.open) {
      if (ask.deadline > now) {
        this.arm(ask.deadline - now);
        return;
      }
      this.open.delete(number);
      ask.done(ask);
    }
  };

  private arm(left: number): void {
    this.timer = setTimeout(this.onTimer, Math.min(Math.ceil(left), LONGEST_TIMER)).unref();
  }
}

/** Questions of one process are never as many. */
const NUMBERS = 2 ** 40;

/** Questions to other instances, and their answers, each within a time. */
export class Asks {
  private readonly plain: Shelf;
  private readonly patient: Shelf;
  /** Somewhere, so that what our predecessor of the same name asked is not taken for what we do. */
  private last = randomInt(NUMBERS);

  /**
   * @param timeout - of an answer
   * @param patience - how much longer an answer may take that waits for a client
   */
  constructor(timeout: number, patience: number) {
    this.plain = new Shelf(timeout);
    this.patient = new Shelf(timeout + patience);
  }

  /**
   * Begins a question that is sent afterwards; how many were asked, `expect()` or the answers say.
   *
   * @param failed - called in place of `done` when it was not sent
   * @returns its number
   */
  begin(isPatient: boolean, done: (said: Answers) => void, failed: (cause: Error) => void): number {
    this.last += 1;
    const shelf = isPatient ? this.patient : this.plain;
    shelf.add(this.last, new Ask(performance.now() + shelf.delay, done, failed));
    return this.last;
  }

  /** @param send - sends the question by its number */
  ask(isPatient: boolean, send: (number: number) => void): Promise<Answers> {
    return new Promise((resolve, reject) => send(this.begin(isPatient, resolve, reject)));
  }

  /** It is known how many were asked, and how many could not be; an answer may have come before. */
  expect(number: number, asked: number, unreached: number): void {
    const ask = this.find(number);
    if (ask === undefined) return;
    ask.expected = asked;
    ask.unreached = unreached;
    if (ask.isComplete) this.end(number, ask);
  }

  /** It was not asked. */
  fail(number: number, cause: Error): void {
    const ask = this.find(number);
    if (ask === undefined) return;
    this.forget(number);
    ask.failed(cause);
  }

  /**
   * Somebody has answered; whoever answers too late, or what was never asked, is not heard.
   *
   * @param others - who else was asked, where the one that answers knows it
   */
  answer(number: unknown, node: string, answer: unknown, others?: readonly string[]): void {
    const ask = this.find(number as number);
    if (ask === undefined) return;
    ask.answers.push({ node, answer });
    if (others !== undefined) ask.name(node, others);
    if (ask.isComplete) this.end(number as number, ask);
  }

  /** Whatever is to come does not wait for a client any more. */
  hasten(number: unknown): void {
    const ask = this.patient.open.get(number as number);
    if (ask === undefined) return;
    this.patient.open.delete(number as number);
    const { done, failed, answers } = ask;
    const hastened = new Ask(performance.now() + this.plain.delay, done, failed);
    hastened.answers.push(...answers);
    this.plain.add(number as number, hastened);
  }

  endAll(): void {
    for (const { open } of [this.plain, this.patient]) {
      for (const [number, ask] of [...open]) this.end(number, ask);
    }
  }

  private find(number: number): Ask | undefined {
    return this.plain.open.get(number) ?? this.patient.open.get(number);
  }

  private end(number: number, ask: Ask): void {
    this.forget(number);
    ask.done(ask);
  }

  private forget(number: number): void {
    if (!this.plain.open.delete(number)) this.patient.open.delete(number);
  }
}
