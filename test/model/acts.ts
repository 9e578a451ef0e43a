import type { ConnPoolOptions } from 'nestjs-conn-pool/core';

/** How one call of the connector goes. */
export type Answer =
  /** With a value, not a promise. */
  | 'at once'
  | 'soon'
  | 'slow'
  /** Well, but after every timeout. */
  | 'late'
  | 'never'
  | 'fails'
  | 'throws'
  | 'fails slowly'
  /** With an error that no retry can mend. */
  | 'permanent'
  /** A thenable of somebody's own that answers well, answers again, and then fails. */
  | 'twice'
  /** When an act says so, and as it says: see `settle`. */
  | 'held';

/** What becomes of a connection when it is watched for the first time, or asked whether it is alive. */
export type Omen = 'fine' | 'dead' | 'throws';

/** One thing that is done to a pool. `n` picks among what there is. */
export type Act =
  | { do: 'acquire'; timeout: number; priority: number; fresh: boolean; signal: boolean }
  | { do: 'burst'; n: number }
  | { do: 'use'; fails: boolean; ms: number }
  | { do: 'release' | 'release twice' | 'discard' | 'detach'; n: number }
  /** Everything there is to call, on a lease that has ended. */
  | { do: 'misuse'; n: number }
  | { do: 'abort' | 'kill' | 'kill quietly'; n: number }
  /** A call of the connector that is held answers. */
  | { do: 'settle'; n: number; well: boolean }
  | { do: 'resize'; max: number; min: number; maxIdle: number | undefined }
  | { do: 'warmUp'; n: number }
  | { do: 'heartbeat'; timeout: number; dialIfNone: boolean; signal: boolean }
  | { do: 'advance' | 'stall' | 'close'; ms: number }
  | { do: 'outage'; on: boolean }
  | { do: 'tryAcquire' | 'evictAll' | 'closeIdle' | 'pause' | 'resume' | 'start' | 'look' }
  /** In a listener only: it throws. */
  | { do: 'throw' }
  /** Several in one turn of the event loop, so many microtasks apart. */
  | { do: 'together'; acts: readonly Act[]; gap: number };

/** Everything that decides how one run goes. */
export interface Schedule {
  readonly options: ConnPoolOptions;
  readonly methods: {
    readonly heartbeat: boolean;
    readonly reset: boolean;
    readonly isAlive: boolean;
    readonly watch: boolean;
  };
  /** Of the connector's calls, taken in turn. */
  readonly answers: readonly Answer[];
  /** Of `watch` and `isAlive`, taken in turn. */
  readonly omens: readonly Omen[];
  readonly acts: readonly Act[];
  /** Done from inside the connector's methods, one for each call. */
  readonly inCalls: readonly (Act | undefined)[];
  /** Done from inside the listeners of events and of abort signals. */
  readonly inListeners: readonly (Act | undefined)[];
}
