import { ConnPoolError, type PoolState } from 'nestjs-conn-pool/core';
import type { Standing } from '../pools-under-test.js';
import { POOL_CALLS, ReasonError, WorkError } from './calls.js';
import { isLease, STATES, Stand } from './stand.js';
import { StrayErrors } from './stray-errors.js';

/** What has become of each call a second later, in the order of `STATES`. */
const OUTCOMES: Record<string, string> = {
  //                          new    started paused saturated outage draining closed
  start: '                    done   done    done   done      done   over     over  ',
  acquire: '                  lease  lease   waits  waits     undialed over   over  ',
  'acquire fresh': '          lease  lease   waits  waits     undialed over   over  ',
  'acquire aborted': '        reason reason  reason reason    reason reason   reason',
  'acquire and abort': '      reason reason  reason reason    reason over     over  ',
  'acquire for 1 ms': '       lease  lease   late   late      late   over     over  ',
  tryAcquire: '               done   done    done   done      done   done     done  ',
  use: '                      done   done    waits  waits     undialed over   over  ',
  'use that fails': '         work   work    waits  waits     undialed over   over  ',
  'use that gives back itself': 'done done   waits  waits     undialed over   over  ',
  warmUp: '                   done   done    done   done      done   done     done  ',
  heartbeat: '                done   done    done   done      done   over     over  ',
  'heartbeat of a new one': ' done   done    done   done      done   over     over  ',
  'heartbeat and abort': '    reason reason  reason reason    reason over     over  ',
  stats: '                    done   done    done   done      done   done     done  ',
  inspect: '                  done   done    done   done      done   done     done  ',
  grow: '                     done   done    done   done      done   done     done  ',
  shrink: '                   done   done    done   done      done   done     done  ',
  closeIdle: '                done   done    done   done      done   done     done  ',
  evictAll: '                 done   done    done   done      done   done     done  ',
  pause: '                    done   done    done   done      done   done     done  ',
  resume: '                   done   done    done   done      done   done     done  ',
  close: '                    done   done    done   waits     done   waits    done  ',
  'close by force': '         done   done    done   done      done   done     done  ',
  asyncDispose: '             done   done    done   waits     done   waits    done  ',
  subscribe: '                done   done    done   done      done   done     done  ',
};

const WORDS: Record<string, string> = {
  ERR_POOL_CLOSED: 'over',
  ERR_DIAL: 'undialed',
  ERR_ACQUIRE_TIMEOUT: 'late',
};

function wordFor(standing: Standing<unknown>): string {
  if (standing.state === 'pending') return 'waits';
  if (standing.state === 'resolved') return isLease(standing.value) ? 'lease' : 'done';
  const { error } = standing;
  if (error instanceof ConnPoolError) return WORDS[error.code] ?? error.code;
  return error instanceof ReasonError ? 'reason' : error instanceof WorkError ? 'work' : 'wrong';
}

/** In which state the pool stands after a call that changes it, in the order of `STATES`. */
const AFTER: Record<string, string> = {
  pause: '          paused paused paused paused   paused draining closed',
  resume: '         open   open   open   open     open   draining closed',
  close: '          closed closed closed draining closed draining closed',
  asyncDispose: '   closed closed closed draining closed draining closed',
  'close by force': 'closed closed closed closed  closed closed   closed',
};
const UNCHANGED = 'open open paused open open draining closed';

const words = (row: string): string[] => row.trim().split(/\s+/);

describe('every call in every state', () => {
  const stray = new StrayErrors();

  it('has its row in the table', () => {
    expect(POOL_CALLS.map(({ name }) => name)).toEqual(Object.keys(OUTCOMES));
  });

  it.each(POOL_CALLS)('$name', async ({ name, gives, call }) => {
    const outcomes: string[] = [];
    const states: PoolState[] = [];
    for (const state of STATES) {
      const stand = await Stand.in(state, stray);
      const outcome = stand.do(name, gives, () => call(stand.pool));
      await stand.clock.advance('1s');
      outcomes.push(wordFor(outcome.now));
      states.push(stand.pool.state);
      expect(await stand.mustEndWell()).toEqual([]);
    }
    expect(outcomes).toEqual(words(OUTCOMES[name] ?? ''));
    expect(states).toEqual(words(AFTER[name] ?? UNCHANGED));
  });
});
