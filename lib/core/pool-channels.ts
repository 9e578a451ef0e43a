import { channel, type Channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import type { Lease } from './lease.js';
import type { PoolEvent } from './events.js';

/** What the subscribers of `conn-pool:acquire` are told of an acquire; Node adds `result` (the lease) or `error`. */
export interface AcquireTrace {
  /** The pool's name. */
  readonly pool: string;
  /** Of a `KeyedConnPool`: the key that it is for. */
  readonly key?: unknown;
  /** Of the connection; from `asyncStart` on, unless the acquire has failed. */
  id?: number;
  /** The connection had served before, or had been idle. */
  reused?: boolean;
  result?: Lease<unknown>;
  error?: unknown;
}

/**
 * A pool's events for whoever knows no pools: the process's `diagnostics_channel` `conn-pool:<type>` for each type of
 * event, and `conn-pool:acquire` as a `TracingChannel`. The channels are Node's, by name; this only holds on to them.
 */
export class PoolChannels {
  private readonly acquire: TracingChannel<AcquireTrace> = tracingChannel('conn-pool:acquire');
  /**
   * Whether acquires are traced, at the price of one look: every acquire asks. It is the channel of their beginning, to which
   * every tracer subscribes; whoever wants only to hear of the end is found by `look()`.
   */
  traced: { readonly hasSubscribers: boolean } = this.acquire.start;
  private readonly of = channels();
  private readonly all = Object.values(this.of);

  constructor() {
    this.look();
  }

  /** Looks for subscribers who have come or gone; at least once a turn of the event loop. */
  look(): void {
    const { start, end, asyncStart, asyncEnd, error } = this.acquire;
    // Written out: it is asked in every turn.
    const isHeard =
      end.hasSubscribers || asyncStart.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers;
    const traced = isHeard ? HEARD : start;
    // V8 takes what has been written once for a constant.
    if (traced !== this.traced) this.traced = traced;
  }

  /** Whether somebody listens to what every borrowing brings. */
  get borrowingsHeard(): boolean {
    const { acquired, released, waited } = this.of;
    return acquired.hasSubscribers || released.hasSubscribers || waited.hasSubscribers;
  }

  /** Whether somebody listens to any of the events. */
  get heard(): boolean {
    return this.all.some(({ hasSubscribers }) => hasSubscribers);
  }

  hears(type: PoolEvent['type']): boolean {
    return this.of[type].hasSubscribers;
  }

  publish(event: PoolEvent): void {
    this.of[event.type].publish(event);
  }

  /** Tells of an acquire from its call to its end, in the caller's context. */
  trace<T>(trace: AcquireTrace, acquire: () => Promise<Lease<T>>): Promise<Lease<T>> {
    return this.acquire.tracePromise(async () => {
      const lease = await acquire();
      trace.id = lease.id;
      trace.reused = lease.reused;
      return lease;
    }, trace);
  }
}

const HEARD = Object.freeze({ hasSubscribers: true });

/** Written out, so that each is found at its place. */
function channels(): Record<PoolEvent['type'], Channel> {
  return {
    started: channel('conn-pool:started'),
    dialed: channel('conn-pool:dialed'),
    'dial-failed': channel('conn-pool:dial-failed'),
    recovered: channel('conn-pool:recovered'),
    'backoff-entered': channel('conn-pool:backoff-entered'),
    'backoff-left': channel('conn-pool:backoff-left'),
    waited: channel('conn-pool:waited'),
    acquired: channel('conn-pool:acquired'),
    released: channel('conn-pool:released'),
    lost: channel('conn-pool:lost'),
    checked: channel('conn-pool:checked'),
    'heartbeat-failed': channel('conn-pool:heartbeat-failed'),
    'reset-failed': channel('conn-pool:reset-failed'),
    close: channel('conn-pool:close'),
    'close-failed': channel('conn-pool:close-failed'),
    exhausted: channel('conn-pool:exhausted'),
    timeout: channel('conn-pool:timeout'),
    leak: channel('conn-pool:leak'),
    'leak-returned': channel('conn-pool:leak-returned'),
    generation: channel('conn-pool:generation'),
    state: channel('conn-pool:state'),
    closed: channel('conn-pool:closed'),
  };
}
