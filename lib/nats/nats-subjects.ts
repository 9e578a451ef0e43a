const MOST_KNOWN = 10_000;

/** Subjects of one hub. Its name and the ids may be anything, tokens of a subject not: no dot, no wildcard, no space. */
export class NatsSubjects {
  readonly all: string;
  /** All answers that nobody is there to be asked. */
  readonly nobody: string;
  /** What is said to this instance. */
  readonly own: string;
  private readonly base: string;
  /** Of ids that were needed lately. */
  private readonly known = new Map<string, string>();
  private readonly replies: string;

  constructor(prefix: string, hub: string, node: string) {
    this.base = `${prefix}.${tokenOf(hub)}`;
    this.all = `${this.base}.all`;
    this.own = this.of(node);
    this.replies = `${this.base}.r.${node}.`;
    this.nobody = `${this.replies}*`;
  }

  /** What is said to an instance. */
  of(node: string): string {
    return `${this.base}.n.${node}`;
  }

  /** Whoever has the id listens there: that is the routing, and the presence. */
  at(id: string): string {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const subject = `${this.base}.u.${encoded(id)}`;
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    this.known.set(id, subject);
    return subject;
  }

  /** Whoever expects the id back listens there. */
  awaiting(id: string): string {
    return `${this.base}.l.${encoded(id)}`;
  }

  /** Where the server says that nobody is there; the questions are told apart by it. */
  replyFor(numbers: string): string {
    return this.replies + numbers;
  }

  numbersOf(reply: string): number[] {
    return reply.slice(this.replies.length).split('-').map(Number);
  }
}

/** As it is where it can be: people look at subjects. */
function tokenOf(name: string): string {
  return /^[\w-]+$/.test(name) ? name : `=${encoded(name)}`;
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
