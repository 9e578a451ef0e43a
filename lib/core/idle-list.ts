import type { Connection } from './connection.js';

/** The idle connections, from the next to be lent to the last. Linked through the connections themselves. */
export class IdleList<T> {
  first: Connection<T> | undefined = undefined;
  private last: Connection<T> | undefined = undefined;
  size = 0;

  private readonly lifo: boolean;

  constructor(order: 'lifo' | 'fifo') {
    this.lifo = order === 'lifo';
  }

  /** Takes in a connection that was used just now. */
  push(connection: Connection<T>): void {
    if (this.lifo) this.insertBefore(connection, this.first);
    else this.insertBefore(connection, undefined);
  }

  /** Takes in a connection that comes back unused (from a check), at the place its last use gives it. */
  restore(connection: Connection<T>): void {
    // From the end of those used last: checks begin with the ones used first, so most come back to be the youngest.
    if (this.lifo) {
      let next = this.first;
      while (next !== undefined && next.since > connection.since) next = next.next;
      this.insertBefore(connection, next);
    } else {
      let previous = this.last;
      while (previous !== undefined && previous.since > connection.since) previous = previous.previous;
      this.insertBefore(connection, previous === undefined ? this.first : previous.next);
    }
  }

  remove(connection: Connection<T>): void {
    const { previous, next } = connection;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    connection.previous = undefined;
    connection.next = undefined;
    this.size -= 1;
  }

  /** The one unused for the longest. */
  get oldest(): Connection<T> | undefined {
    return this.lifo ? this.last : this.first;
  }

  /** All of them, the one unused for the longest first. */
  byAge(): Connection<T>[] {
    const all: Connection<T>[] = [];
    for (let each = this.first; each !== undefined; each = each.next) all.push(each);
    return this.lifo ? all.reverse() : all;
  }

  private insertBefore(connection: Connection<T>, next: Connection<T> | undefined): void {
    const previous = next === undefined ? this.last : next.previous;
    connection.previous = previous;
    connection.next = next;
    if (previous === undefined) this.first = connection;
    else previous.next = connection;
    if (next === undefined) this.last = connection;
    else next.previous = connection;
    this.size += 1;
  }
}
