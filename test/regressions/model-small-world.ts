import { ConnPool, type ConnPoolOptions, type Connector } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';

export interface Conn {
  serial: number;
  closes: number;
}

/** A pool on a clock that stands still, with a connector as small as can be and the parts a case needs put over it. */
export function smallWorld(
  parts: Partial<Connector<Conn>> = {},
  options: ConnPoolOptions = {},
  start = 1000,
) {
  const clock = new FakeClock(start);
  const conns: Conn[] = [];
  const make = (): Conn => {
    const conn = { serial: conns.length + 1, closes: 0 };
    conns.push(conn);
    return conn;
  };
  const connector: Connector<Conn> = {
    dial: async () => make(),
    close: (conn) => void (conn.closes += 1),
    ...parts,
  };
  const pool = new ConnPool<Conn>(connector, { clock, ...options });
  const later = <R>(ms: number, value: () => R): Promise<R> =>
    new Promise((resolve, reject) =>
      clock.setTimeout(() => {
        try {
          resolve(value());
        } catch (error) {
          reject(error);
        }
      }, ms),
    );
  return { clock, conns, make, pool, connector, later };
}

/** How a promise stands, without waiting for it. */
export function follow(promise: Promise<unknown>): { state: string; value?: unknown } {
  const standing: { state: string; value?: unknown } = { state: 'pending' };
  promise.then(
    (value) => Object.assign(standing, { state: 'resolved', value }),
    (value: unknown) => Object.assign(standing, { state: 'rejected', value }),
  );
  return standing;
}

export const never = <R>(): Promise<R> => new Promise<R>(() => undefined);
