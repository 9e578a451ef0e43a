import type { Answers, Asks } from '../hub/asks.js';
import { TurnBatch } from '../hub/turn-batch.js';
import type { NatsSession } from './nats-session.js';
import type { NatsSubjects } from './nats-subjects.js';

/** Something about an id, on its way. */
interface Question {
  readonly subject: string;
  readonly number: number;
  readonly text: string;
}

/** In one turn. */
const MOST_QUESTIONS = 1000;
/** In one message: their numbers are in its reply subject. */
const MOST_TOGETHER = 50;
const MOST_ITEMS = 500;

/** What goes out: questions about ids, and items to single instances. What is said in one turn to one goes together. */
export class Post {
  private readonly head: string;
  private readonly questions = new TurnBatch<Question>(MOST_QUESTIONS, (questions) => this.send(questions));
  /** By the instance they go to. */
  private readonly items = new Map<string, TurnBatch<string>>();

  constructor(
    node: string,
    private readonly subjects: NatsSubjects,
    private readonly asks: Asks,
    private readonly session: () => NatsSession | undefined,
  ) {
    this.head = JSON.stringify(node);
  }

  /**
   * Asks those who have an id, with what else is asked in this turn.
   *
   * @param number - of a question that has begun
   * @param words - JSON, without the brackets
   */
  put(id: string, number: number, words: string): void {
    const text = `[${number},${words}]`;
    this.questions.add({ subject: this.subjects.at(id), number, text }, text.length);
  }

  ask(id: string, said: readonly unknown[]): Promise<Answers> {
    return this.asks.ask(false, (number) => this.put(id, number, JSON.stringify(said).slice(1, -1)));
  }

  /** Asks at once. */
  askAt(subject: string, said: readonly unknown[]): Promise<Answers> {
    return this.asks.ask(false, (number) => {
      this.publish([{ subject, number, text: JSON.stringify([number, ...said]) }]);
    });
  }

  /** To all who listen, at once; nobody answers. */
  say(subject: string, said: readonly unknown[]): void {
    try {
      this.session()?.publish(subject, `["q",${this.head},${JSON.stringify([0, ...said])}]`);
    } catch {
      // The next session tells it again.
    }
  }

  /** To one instance. */
  tell(to: string, item: readonly unknown[]): void {
    this.add(to, JSON.stringify(item));
  }

  /** @param others - who else was asked, as far as it is known here */
  answer(to: string, number: number, answer: unknown, others: readonly string[] | undefined): void {
    const tail = others === undefined ? '' : others.length === 0 ? ',[]' : `,${JSON.stringify(others)}`;
    this.add(to, `["a",${number},${JSON.stringify(answer)}${tail}]`);
  }

  private add(to: string, text: string): void {
    let batch = this.items.get(to);
    if (batch === undefined) {
      batch = new TurnBatch<string>(MOST_ITEMS, (texts) => {
        this.items.delete(to);
        try {
          this.session()?.publish(this.subjects.of(to), `["b",${this.head},${texts.join(',')}]`);
        } catch {
          // Whoever waits for it is told by his own clock.
        }
      });
      this.items.set(to, batch);
    }
    batch.add(text, text.length);
  }

  private send(questions: readonly Question[]): void {
    const [first] = questions;
    if (questions.length === 1) return this.publish([first as Question]);
    const bySubject = new Map<string, Question[]>();
    for (const question of questions) {
      const together = bySubject.get(question.subject);
      if (together === undefined) bySubject.set(question.subject, [question]);
      else if (together.push(question) === MOST_TOGETHER) {
        this.publish(together);
        bySubject.delete(question.subject);
      }
    }
    for (const together of bySubject.values()) this.publish(together);
  }

  /** All of one subject. */
  private publish(questions: readonly Question[]): void {
    const [first] = questions as [Question];
    const { subject } = first;
    const isOne = questions.length === 1;
    const reply = this.subjects.replyFor(isOne ? `${first.number}` : questions.map(numberOf).join('-'));
    const text = `["q",${this.head},${isOne ? first.text : questions.map(textOf).join(',')}]`;
    try {
      const session = this.session();
      if (session === undefined) throw new Error('NATS was lost before it was asked');
      session.publish(subject, text, reply);
    } catch (cause) {
      // One of them may be too large for NATS, which takes a mebibyte by default.
      if (!isOne) for (const question of questions) this.publish([question]);
      else for (const { number } of questions) this.asks.fail(number, cause as Error);
    }
  }
}

const numberOf = ({ number }: Question): number => number;
const textOf = ({ text }: Question): string => text;
