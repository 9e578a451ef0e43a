import type { Client } from '../client.js';

/** What was pushed: the id, its number, what became of it, to how many connections, within how many milliseconds. */
export type Pushed = [id: string, number: number, became: string, connections: number, ms: number];

/** What of the pushes must hold, and the figures. */
export interface Figures {
  readonly pushed: number;
  /** By what became of them. */
  readonly became: Record<string, number>;
  /** Of those whose fate was unknown, how many arrived. */
  readonly late: number;
  /** The longest that anybody waited to be told. Milliseconds. */
  readonly longest: number;
}

/** What each connection heard of the numbers pushed to its id. */
export function heardOf(clients: readonly Client[]): number[][] {
  return clients.map(({ heard }) => heard.map((text) => Number.parseInt(text, 10)));
}

/**
 * What was promised as delivered was heard once by as many connections as were promised, and in order by each; what was told
 * as not delivered was heard by nobody; of the others nobody heard twice.
 */
export function balance(
  pushed: readonly Pushed[],
  clientsOf: ReadonlyMap<string, readonly Client[]>,
): Figures {
  const counts = new Map<string, number>();
  for (const [id, clients] of clientsOf) {
    for (const numbers of heardOf(clients)) {
      numbers.forEach((number, at) => {
        if (at > 0 && number <= (numbers[at - 1] as number)) {
          throw new Error(`A connection heard ${number} after ${numbers[at - 1]}`);
        }
        counts.set(`${id} ${number}`, (counts.get(`${id} ${number}`) ?? 0) + 1);
      });
    }
  }
  const became: Record<string, number> = {};
  let late = 0;
  let longest = 0;
  for (const [id, number, what, connections, ms] of pushed) {
    became[what] = (became[what] ?? 0) + 1;
    longest = Math.max(longest, ms);
    const heard = counts.get(`${id} ${number}`) ?? 0;
    if (what === 'unconfirmed') late += heard;
    const most = what === 'unconfirmed' ? 1 : connections;
    if (heard > most || (what !== 'unconfirmed' && heard < connections)) {
      throw new Error(`${number} was told as ${what} for ${connections}, and heard ${heard} times`);
    }
  }
  return { pushed: pushed.length, became, late, longest };
}
