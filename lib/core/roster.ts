import type { Connection } from './connection.js';

/**
 * All the live connections of a pool. A `Set` would do, but one that is added to and deleted from all the time keeps
 * rebuilding its table, and each old table keeps what it held alive until the next full garbage collection.
 */
export class Roster<T> implements Iterable<Connection<T>> {
  private readonly all: Connection<T>[] = [];

  get size(): number {
    return this.all.length;
  }

  add(connection: Connection<T>): void {
    connection.seat = this.all.length;
    this.all.push(connection);
  }

  delete(connection: Connection<T>): void {
    const last = this.all.pop() as Connection<T>;
    if (last === connection) return;
    last.seat = connection.seat;
    this.all[last.seat] = last;
  }

  /** Those of this instant, the oldest first; they may leave meanwhile. */
  [Symbol.iterator](): Iterator<Connection<T>> {
    return this.all.toSorted((one, other) => one.id - other.id)[Symbol.iterator]();
  }
}
