import type { ConnPoolOptions } from 'nestjs-conn-pool/core';
import type { Schedule } from './acts.js';
import { Notes } from './notes.js';
import { type Acquiring, type Call, Conn, type Held, type Kind } from './records.js';

/** What has been seen of a pool from outside: what was done to it, and what it did to its connector and its users. */
export class Ledger {
  readonly conns: Conn[] = [];
  readonly dials: Call[] = [];
  readonly acquires: Acquiring[] = [];
  readonly leases: Held[] = [];
  max: number;
  min: number;
  private ownMaxIdle: number | undefined;
  generation = 0;
  paused = false;
  over = false;
  /** When what is left is taken by force. */
  drainEnd = Infinity;
  /** All timers due by then have run. */
  ranTo: number;
  step = 0;
  inStep = false;
  readonly notes = new Notes();

  constructor(
    readonly options: ConnPoolOptions,
    /** What the connector has. */
    readonly methods: Schedule['methods'],
    readonly now: () => number,
  ) {
    this.max = options.max ?? 10;
    this.min = options.min ?? 0;
    this.ownMaxIdle = options.maxIdle;
    this.ranTo = now();
  }

  nextStep(): void {
    const { notes, generation, paused, over } = this;
    this.step += 1;
    this.inStep = true;
    notes.happened.clear();
    notes.passed = [];
    notes.hopeless = [];
    notes.before = { generation, paused, over };
  }

  begin(kind: Kind, conn?: Conn, signal?: AbortSignal): Call {
    const { generation, step } = this;
    const begunAt = this.now();
    const call: Call = { kind, conn, signal, generation, step, begunAt, answer: 'open', answeredIn: NaN };
    if (kind === 'dial') this.dials.push(call);
    else if (conn !== undefined && kind === 'close') conn.closing = call;
    else if (conn !== undefined) conn.check = call;
    if (kind === 'heartbeat' && conn !== undefined) conn.first ??= call;
    return call;
  }

  /** @returns what a dial has made */
  answered(call: Call, how: 'well' | 'badly'): Conn | undefined {
    call.answer = how;
    call.answeredIn = this.step;
    const { conn, kind } = call;
    if (how === 'badly' || kind === 'close') return undefined;
    const made = conn ?? new Conn(this.conns.length + 1, call, this.now());
    if (conn === undefined) this.conns.push(made);
    made.soundAt = this.now();
    if (kind === 'dial' || made.first === call) made.bornAt = made.usedAt = this.now();
    if (kind === 'reset') {
      made.usedAt = this.now();
      made.clean = true;
    }
    if (this.isBorn(made)) this.notes.succeededAt = this.now();
    return made;
  }

  took(held: Held): void {
    held.conn.held = held;
    held.conn.clean = !this.methods.reset;
    this.leases.push(held);
  }

  resized(max: number, min: number, maxIdle: number | undefined): void {
    this.max = max;
    this.min = min;
    this.ownMaxIdle = maxIdle ?? this.ownMaxIdle;
  }

  get maxIdle(): number {
    return this.ownMaxIdle ?? this.max;
  }

  gaveBack(held: Held): void {
    held.ended = true;
    held.conn.held = undefined;
    held.conn.usedAt = held.conn.soundAt = this.now();
    // A server that hangs up on its first borrower is not dialled again at once.
    if (held.conn.lost) this.notes.troubledAt = this.now();
  }

  leaked(id: number): void {
    const held = this.leases.findLast(({ lease }) => lease.id === id);
    if (held !== undefined) held.leaked = true;
  }

  /** It was dialled in time and, if there are heartbeats, has answered the first. */
  isBorn({ dial, first }: Conn): boolean {
    const proof = this.methods.heartbeat ? first : dial;
    return proof?.answer === 'well' && proof.signal?.aborted !== true;
  }
}
