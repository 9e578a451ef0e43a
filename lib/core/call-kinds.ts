import { CallContext } from './call-context.js';
import type { Connection } from './connection.js';
import type { Connector, DialContext } from './connector.js';
import type { CallKind } from './connector-calls.js';
import type { PoolTitle } from './errors.js';
import type { ResolvedOptions } from './options.js';
import type { Stock } from './stock.js';

/** What may be called on a connector, and where each answer goes: to the stock that the connection is of. */
export interface CallKinds<T> {
  readonly dial: CallKind<T, T>;
  readonly firstHeartbeat: CallKind<T, unknown>;
  readonly heartbeat: CallKind<T, unknown>;
  readonly reset: CallKind<T, void>;
  readonly close: CallKind<T, void>;
  readonly lateClose: CallKind<T, void>;
}

/** @param dialFor - makes a connection for the pool of this title */
export function callKinds<T, M>(
  { name: pool, meta, dialTimeout, heartbeatTimeout, resetTimeout, closeTimeout }: ResolvedOptions<M>,
  connector: Omit<Connector<T, M>, 'dial'>,
  dialFor: (title: PoolTitle, context: DialContext<M>) => T | Promise<T>,
): CallKinds<T> {
  const dial: CallKind<T, T> = {
    name: 'dial',
    timeout: dialTimeout,
    make: (connection, call) =>
      dialFor(stockOf(connection).title, new CallContext(call, connection.attempt, meta, pool)),
    done: (connection, resource) => stockOf(connection).dialled(connection, resource),
    failed: (connection, cause) => stockOf(connection).dialFailed(connection, cause),
    late: (connection, resource) => stockOf(connection).dialledLate(connection, resource),
  };
  const heartbeat: CallKind<T, unknown> = {
    name: 'heartbeat',
    timeout: heartbeatTimeout,
    make: ({ resource, attempt }, call) =>
      connector.heartbeat?.(resource as T, new CallContext(call, attempt, meta, pool)),
    done: (connection) => stockOf(connection).checked(connection),
    failed: (connection, cause) => stockOf(connection).checkFailed(connection, cause),
  };
  const firstHeartbeat: CallKind<T, unknown> = {
    ...heartbeat,
    done: (connection) => stockOf(connection).dialledWell(connection),
    failed: (connection, cause) => stockOf(connection).firstCheckFailed(connection, cause),
  };
  const reset: CallKind<T, void> = {
    name: 'reset',
    timeout: resetTimeout,
    make: ({ resource, attempt }, call) =>
      connector.reset?.(resource as T, new CallContext(call, attempt, meta, pool)),
    done: (connection) => stockOf(connection).wasReset(connection),
    failed: (connection, cause) => stockOf(connection).resetFailed(connection, cause),
  };
  const close: CallKind<T, void> = {
    name: 'close',
    timeout: closeTimeout,
    make: ({ resource, reason }) => connector.close(resource as T, { reason, meta, pool }),
    done: (connection) => stockOf(connection).ended(connection),
    failed: (connection, cause) => stockOf(connection).endedBadly(connection, cause),
  };
  const lateClose: CallKind<T, void> = {
    ...close,
    done: (connection) => stockOf(connection).tellOfClose(connection),
    failed: (connection, cause) => stockOf(connection).lateCloseFailed(connection, cause),
  };
  return { dial, firstHeartbeat, heartbeat, reset, close, lateClose };
}

function stockOf<T>({ keeper }: Connection<T>): Stock<T, unknown> {
  return keeper as Stock<T, unknown>;
}
