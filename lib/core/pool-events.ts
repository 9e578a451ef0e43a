import { InvalidOptionsError } from './errors.js';
import { EventStream } from './event-stream.js';
import type { BorrowingEvent, PoolEvent } from './events.js';
import type { Audience } from './harmless-observable.js';
import type { Latencies } from './latency.js';
import type { ManagedPool } from './managed-pool.js';
import { PoolChannels } from './pool-channels.js';

/** All events but those that every borrowing brings. */
export type RareEvent = Exclude<PoolEvent, BorrowingEvent>;

/** How a wait in line has ended: with a connection, or with an error. */
export type WaitEnd = { readonly id: number; readonly reused: boolean } | { readonly error: unknown };

/** Told, in the caller's context, of an acquire that stands in line. @returns what is told how it ends */
export type WaitWatcher = (pool: string, key: unknown) => ((end: WaitEnd) => void) | undefined;

/** Where a pool's events go. */
export interface EventSink {
  /** Who wants to know of waits as they begin. */
  readonly waitWatchers: readonly WaitWatcher[];
  /** Where acquires are traced. */
  readonly channels: PoolChannels;
  /** Whether anybody wants to know of every borrowing. */
  readonly borrowingsWanted: boolean;
  /** It is known that nobody wants any event but those of borrowings. What comes with every connection looks here first. */
  readonly unheard: boolean;
  /** Whether anybody wants an event of this type. */
  wants(type: RareEvent['type']): boolean;
  emit(event: RareEvent): void;
  emitBorrowing(event: BorrowingEvent): void;
  complete(): void;
}

/** Dials fail: the last has, or they are held back because what they give is of no use. */
export interface DialTrouble {
  readonly cause: unknown;
  /** Of a `KeyedConnPool`: whose dials. */
  readonly key?: unknown;
}

/** What the events need of their pool. */
export interface Watched {
  /** Whether borrowings are wanted may have changed. */
  lookOn(): void;
  /** Made now, if nobody has asked before. */
  latencies(): Latencies;
  /** One for each key of which dials fail now. */
  dialTroubles(): readonly DialTrouble[];
}

/** A pool's stream of events. */
export class PoolEvents extends EventStream<PoolEvent> implements EventSink {
  readonly channels = new PoolChannels();
  /** For the library's own listeners: what comes with every borrowing would cost them too much. */
  readonly rare: EventStream<RareEvent>;
  waitWatchers: readonly WaitWatcher[] = [];
  unheard = false;
  /** Somebody subscribes, to all or to the rest. */
  private heard = false;

  constructor(
    pool: string,
    private readonly watched: Watched,
  ) {
    const audience: Audience = {
      whose: 'a pool',
      refuse: (problem) => new InvalidOptionsError(pool, [problem]),
    };
    super(audience, () => {
      this.listen();
      watched.lookOn();
    });
    this.rare = new EventStream<RareEvent>(audience, () => this.listen());
  }

  get borrowingsWanted(): boolean {
    return this.observed || this.waitWatchers.length > 0 || this.channels.borrowingsHeard;
  }

  wants(type: RareEvent['type']): boolean {
    if (this.heard || this.channels.hears(type)) return true;
    this.unheard = !this.channels.heard;
    return false;
  }

  /** Whoever subscribes to a channel of the process does not tell the pools: to be called in every turn of the event loop. */
  look(): void {
    this.unheard = false;
    this.channels.look();
  }

  private listen(): void {
    this.heard = this.observed || this.rare.observed;
    this.unheard = false;
  }

  override emit(event: RareEvent): void {
    super.emit(event);
    this.rare.emit(event);
    this.channels.publish(event);
  }

  emitBorrowing(event: BorrowingEvent): void {
    super.emit(event);
    this.channels.publish(event);
  }

  override complete(): void {
    super.complete();
    this.rare.complete();
  }

  /** Measured from now on, if nobody has asked before. */
  latencies(): Latencies {
    return this.watched.latencies();
  }

  /** Known to the pool, also if nobody has listened: one for each key of which dials fail now. */
  dialTroubles(): readonly DialTrouble[] {
    return this.watched.dialTroubles();
  }

  /** @returns what ends the watching */
  watchWaits(watcher: WaitWatcher): () => void {
    this.waitWatchers = [...this.waitWatchers, watcher];
    this.watched.lookOn();
    return () => {
      this.waitWatchers = this.waitWatchers.filter((other) => other !== watcher);
    };
  }
}

/** The events of a pool of this package, through whatever stands before it; a stranger's pool has none of the kind. */
export function eventsOf({ events$ }: ManagedPool): PoolEvents | undefined {
  return events$ instanceof PoolEvents ? events$ : undefined;
}
