import { type CallKinds, callKinds } from './call-kinds.js';
import type { Ceiling } from './ceiling.js';
import type { Connector, DialContext } from './connector.js';
import { ConnectorCalls } from './connector-calls.js';
import type { PoolTitle } from './errors.js';
import type { Latencies } from './latency.js';
import type { ResolvedOptions } from './options.js';
import type { Runtime } from './runtime.js';
import { noTotals } from './totals.js';

/** What a pool stands on. The pools of all the keys of a `KeyedConnPool` have one household. */
export class Household<T, M> {
  readonly totals = noTotals();
  readonly calls: ConnectorCalls;
  readonly kinds: CallKinds<T>;
  /** Idle connections are checked in the background. */
  started = false;
  /** Once somebody has asked for them. */
  latencies: Latencies | undefined = undefined;

  /** @param dialFor - makes a connection for the pool of this title */
  constructor(
    readonly connector: Omit<Connector<T, M>, 'dial'>,
    readonly options: ResolvedOptions<M>,
    readonly runtime: Runtime,
    readonly ceiling: Ceiling<T> | undefined,
    dialFor: (title: PoolTitle, context: DialContext<M>) => T | Promise<T>,
  ) {
    this.calls = new ConnectorCalls(options.name, runtime);
    this.kinds = callKinds(options, connector, dialFor);
  }
}
