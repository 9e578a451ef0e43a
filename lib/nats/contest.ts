import type { ClaimOutcome, HubInstance } from '../hub/backplane.js';
import type { Holding } from './holding.js';
import type { Post } from './post.js';
import type { NatsSubjects } from './nats-subjects.js';

/** What is held here. */
export interface Holdings {
  of(id: string): Holding | undefined;
  /** It was here until just now, and whoever comes finds it online. */
  isLeaving(id: string): boolean;
  /** The fleet has decided for another. */
  drop(holding: Holding, key: string): void;
}

const REFUSED = 0;
const GRANTED = 1;
/** It was asked too late. */
const NOT_HERE = 2;
type Word = typeof REFUSED | typeof GRANTED | typeof NOT_HERE;

/**
 * Whose an id is. Whoever comes asks those who have it, listens, and says that he listens: of two that come at the same
 * moment one at least hears of the other. He who has it decides; of two who both have it, the one of the greater name.
 */
export class Contest {
  constructor(
    private readonly instance: HubInstance,
    private readonly subjects: NatsSubjects,
    private readonly post: Post,
    private readonly holdings: Holdings,
  ) {}

  /** Asks those who have it, or await it. */
  async claim(holding: Holding, key: string): Promise<ClaimOutcome & { isUnanswered: boolean }> {
    const { id } = holding;
    const [here, awaiting] = await Promise.all([
      this.post.askAt(this.subjects.at(id), ['c', key, ageOf(holding, key)]),
      this.post.askAt(this.subjects.awaiting(id), ['l']),
    ]);
    return {
      granted: !here.answers.some(({ answer }) => answer === REFUSED),
      wasOnline: [...here.answers, ...awaiting.answers].some(({ answer }) => answer !== NOT_HERE),
      isUnanswered: here.unanswered + awaiting.unanswered > 0,
    };
  }

  /** Says that a connection is here, to those who say the same. */
  tell(holding: Holding, key: string): void {
    this.post.say(this.subjects.at(holding.id), ['d', key, ageOf(holding, key)]);
  }

  tellAll(holding: Holding): void {
    for (const key of holding.connections.keys()) this.tell(holding, key);
  }

  /** To what another says to all who have the id. */
  answer(id: string, from: string, number: number, kind: unknown, [key, age]: readonly unknown[]): void {
    if (from === this.instance.node) return;
    const holding = this.holdings.of(id);
    if (kind === 'l') {
      if (holding?.lingering !== undefined) this.yield(holding, [holding.lingering]);
      this.post.answer(from, number, 1, []);
    } else if (typeof key === 'string' && typeof age === 'number') {
      if (kind === 'c') {
        const word = this.decide(id, from, key, age);
        // Somebody else may have it.
        this.post.answer(from, number, word, word === NOT_HERE ? undefined : []);
      } else if (kind === 'd' && holding !== undefined) this.onTold(holding, from, key, sinceOf(age));
    }
  }

  /** What another says to us alone. */
  receive(from: string, kind: unknown, [id, key, age]: readonly unknown[]): void {
    const holding = typeof id === 'string' ? this.holdings.of(id) : undefined;
    if (holding === undefined || from === this.instance.node) return;
    if (kind === 'p') holding.peers.add(from);
    else if (kind === 'e' && typeof key === 'string') this.yield(holding, [key]);
    else if (kind === 'j' && typeof key === 'string' && typeof age === 'number') {
      const since = sinceOf(age);
      this.whenDecided(holding, () => this.judge(holding, from, key, since));
    }
  }

  private decide(id: string, from: string, key: string, age: number): Word {
    const { policy } = this.instance;
    const holding = this.holdings.of(id);
    if (holding === undefined || holding.connections.size === 0) {
      return this.holdings.isLeaving(id) ? GRANTED : NOT_HERE;
    }
    if (policy === 'multi') return GRANTED;
    holding.decided = `${from}/${key}`;
    if (policy === 'reject' || holding.since > sinceOf(age)) return REFUSED;
    this.yield(holding, [...holding.connections.keys()]);
    return GRANTED;
  }

  /** He listens as well. */
  private onTold(holding: Holding, from: string, key: string, since: number): void {
    if (holding.connections.size === 0) return;
    if (this.instance.policy === 'multi') {
      holding.peers.add(from);
      this.post.tell(from, ['p', holding.id]);
    } else this.whenDecided(holding, () => this.onRival(holding, from, key, since));
  }

  /** Not before it is known whether others let us have it. */
  private whenDecided({ rivals }: Holding, heed: () => void): void {
    if (rivals === undefined) heed();
    else rivals.push(heed);
  }

  private onRival(holding: Holding, from: string, key: string, since: number): void {
    if (holding.decided === `${from}/${key}`) return;
    if (this.instance.node > from) this.judge(holding, from, key, since);
    else {
      for (const own of holding.connections.keys()) {
        this.post.tell(from, ['j', holding.id, own, ageOf(holding, own)]);
      }
    }
  }

  private judge(holding: Holding, from: string, key: string, since: number): void {
    const { policy } = this.instance;
    const rival = `${from}/${key}`;
    if (policy === 'multi' || holding.connections.size === 0 || holding.decided === rival) return;
    holding.decided = rival;
    const isOursNewer = holding.since > since;
    if (isOursNewer === (policy === 'replace')) this.post.tell(from, ['e', holding.id, key]);
    else this.yield(holding, [...holding.connections.keys()]);
  }

  private yield(holding: Holding, keys: readonly string[]): void {
    for (const key of keys) {
      this.holdings.drop(holding, key);
      this.instance.evict(holding.id, key);
    }
  }
}

/** When that was, on this instance's clock. */
function sinceOf(age: number): number {
  return performance.now() - age;
}

/** Milliseconds since it was added. */
function ageOf(holding: Holding, key: string): number {
  return Math.round(performance.now() - (holding.connections.get(key)?.since ?? 0));
}
