import { createHash } from 'node:crypto';
import type { Act, Schedule } from './acts.js';
import { fingerprint } from './fingerprint.js';
import { secluded } from './run.js';
import type { Scope } from './scopes.js';
import { World } from './world.js';

/** What was explored. */
export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** How many schedules differ in what is done, in what order, with what answers. */
  readonly schedules: number;
  /** The shortest schedule after which something was wrong, and what. */
  readonly wrong?: { readonly acts: readonly Act[]; readonly wrongs: readonly string[] };
}

/** Of the end of each history. */
const LEAST_ROUNDS = 3;

interface State {
  /** By which it was reached first. */
  readonly history: readonly Act[];
  readonly answers: readonly Act[];
  readonly acts: readonly Act[];
  readonly edges: { readonly to: number; readonly price: 0 | 1 }[];
}

/**
 * Tries everything that may be done to a pool, and every answer its connector may give, in every order. After each step
 * the whole is judged; after each history everything heals, nobody may be left waiting, and the pool is closed.
 *
 * @param merge - follows histories that lead to the same state once
 */
export function explore(scope: Scope, merge = true): Promise<Explored> {
  return secluded(alwaysTheSame, (unhandled) => new Search(scope, merge, unhandled).run());
}

class Search {
  private readonly states: State[] = [];
  private readonly known = new Map<string, number>();
  private transitions = 0;
  private wrong: Explored['wrong'];

  constructor(
    private readonly scope: Scope,
    private readonly merge: boolean,
    private readonly unhandled: unknown[],
  ) {}

  /** By the number of acts, so that a state is first reached with the most of them left. */
  async run(): Promise<Explored> {
    const { states, scope } = this;
    await this.arrive(new World(scheduleOf(scope)), []);
    for (let made = 0, first = 0; made <= scope.most; made += 1) {
      // Answers cost nothing: what they lead to belongs to the same round.
      for (let id = first; id < states.length; id += 1) await this.follow(id, 'answers', 0);
      const last = states.length;
      if (made < scope.most) for (let id = first; id < last; id += 1) await this.follow(id, 'acts', 1);
      first = last;
    }
    const { transitions, wrong } = this;
    return { states: states.length, transitions, schedules: schedulesOf(states, scope.most), wrong };
  }

  private async follow(id: number, what: 'answers' | 'acts', price: 0 | 1): Promise<void> {
    const { history, edges, [what]: moves } = this.states[id] as State;
    for (const act of moves) {
      if (this.wrong !== undefined) return;
      const world = new World(scheduleOf(this.scope));
      for (const before of history) await world.perform(before);
      await world.take(act);
      this.transitions += 1;
      edges.push({ to: await this.arrive(world, [...history, act]), price });
    }
  }

  private async arrive(world: World, history: readonly Act[]): Promise<number> {
    const { states, known, scope } = this;
    const print = this.merge ? printOf(world) : String(states.length);
    const id = known.get(print) ?? states.length;
    if (id === states.length) {
      known.set(print, id);
      states.push({ history, answers: scope.answers(world), acts: scope.acts(world), edges: [] });
      await world.end(LEAST_ROUNDS);
    }
    world.heardOf(this.unhandled);
    if (world.wrongs.length > 0) this.wrong = { acts: history, wrongs: world.wrongs };
    return id;
  }
}

function alwaysTheSame(): number {
  return 0.5;
}

function scheduleOf({ options, methods }: Scope): Schedule {
  const all = { heartbeat: false, reset: false, isAlive: false, watch: false, ...methods };
  return {
    options,
    methods: all,
    answers: ['held'],
    omens: ['fine'],
    acts: [],
    inCalls: [],
    inListeners: [],
  };
}

/** The pool, and what its connector, its users and the reference have of it. */
function printOf({ pool, clock, connector, seen, users }: World): string {
  // It will never do anything again, whatever is done to it; only what comes late is still to be closed and counted.
  if (pool.state === 'closed')
    return [seen.notes.started, ...connector.held.map(({ call }) => call.kind)].join();
  const { notes } = seen;
  const now = clock.now();
  const conns = seen.conns.filter((conn) => seen.standing(conn) !== 'gone');
  const outside = [
    connector.held.map(({ call }) => [call.kind, call.conn, call.begunAt, seen.runs(call)]),
    conns.map((conn) => [
      conn,
      conn.dead,
      conn.lost,
      conn.held !== undefined,
      conn.dial.generation === seen.generation,
    ]),
    seen.waiting.map(({ deadline, fresh, priority, signal }) => [deadline, fresh, priority, signal]),
    users.unsettled,
    [seen.over, seen.paused, notes.started, seen.drainEnd, seen.max, seen.min, seen.maxIdle],
    [Math.max(now, notes.retryAt), notes.failedAt, notes.succeededAt, notes.troubledAt, notes.suspectAt],
  ];
  return createHash('sha1')
    .update(fingerprint([pool, outside], now))
    .digest('base64');
}

/** How many ways lead from the first state to an end anywhere. */
function schedulesOf(states: readonly State[], most: number): number {
  const counted = new Map<number, number>();
  const from = (id: number, left: number): number => {
    const key = id * (most + 1) + left;
    const known = counted.get(key);
    if (known !== undefined) return known;
    let ways = 1;
    for (const { to, price } of (states[id] as State).edges)
      if (price <= left) ways += from(to, left - price);
    counted.set(key, ways);
    return ways;
  };
  return from(0, most);
}
