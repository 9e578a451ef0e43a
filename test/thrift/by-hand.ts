import type { CloseContext, Connector } from 'nestjs-conn-pool/core';

const never = new AbortController().signal;

/** Calls a connector as a pool would, one call at a time. */
export function byHand<T>(connector: Connector<T>, pool = 'depot') {
  const context = { meta: undefined, pool };
  return {
    dial: async (signal: AbortSignal = never) => connector.dial({ ...context, signal, attempt: 1 }),
    heartbeat: async (conn: T, signal: AbortSignal = never) =>
      connector.heartbeat?.(conn, { ...context, signal }),
    close: async (conn: T, reason: CloseContext['reason'] = 'evicted') =>
      connector.close(conn, { ...context, reason }),
    isAlive: (conn: T) => connector.isAlive?.(conn),
    isFatal: (error: unknown) => connector.isFatal?.(error),
    isPermanent: (error: unknown) => connector.isPermanent?.(error),
    /** Resolves with the cause when the connector tells of the loss. */
    lost: (conn: T) => new Promise<unknown>((resolve) => void connector.watch?.(conn, resolve)),
  };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    (value) => {
      throw new Error(`Expected a rejection, got ${String(value)}.`);
    },
    (error: Error) => error,
  );
}
