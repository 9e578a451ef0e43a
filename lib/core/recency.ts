import type { Connection } from './connection.js';

/**
 * The connections that nobody holds, of all the keys together, from the one unused for the longest to the one used
 * last. Linked through the connections themselves.
 */
export class Recency<T> {
  size = 0;
  private oldest: Connection<T> | undefined = undefined;
  private latest: Connection<T> | undefined = undefined;

  /** Takes in a connection that was used just now, unless it is here. */
  add(connection: Connection<T>): void {
    if (connection.resting) return;
    connection.resting = true;
    connection.older = this.latest;
    if (this.latest === undefined) this.oldest = connection;
    else this.latest.newer = connection;
    this.latest = connection;
    this.size += 1;
  }

  delete(connection: Connection<T>): void {
    if (!connection.resting) return;
    const { older, newer } = connection;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.latest = older;
    else newer.older = older;
    connection.resting = false;
    connection.older = connection.newer = undefined;
    this.size -= 1;
  }

  /** The idle one that has been unused for the longest; those under a check or a reset cannot be had. */
  oldestIdle(): Connection<T> | undefined {
    let each = this.oldest;
    while (each !== undefined && each.state !== 'idle') each = each.newer;
    return each;
  }
}
