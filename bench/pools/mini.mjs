/**
 * The practical limit: what a pool must do and nothing else. An array for a stack, a linked line of waiters, one
 * promise per acquire; no checks, no timeouts, no protection of any kind.
 *
 * @type {import('../adapter.mjs').OpenPool}
 */
export function open({ max, make }) {
  const idle = [];
  let size = 0;
  let first;
  let last;

  function give(conn) {
    if (first === undefined) {
      idle.push(conn);
      return;
    }
    const { resolve } = first;
    first = first.next;
    if (first === undefined) last = undefined;
    resolve(conn);
  }

  function wait(resolve) {
    const waiter = { resolve, next: undefined };
    if (last === undefined) first = waiter;
    else last.next = waiter;
    last = waiter;
  }

  return {
    acquire() {
      if (idle.length > 0) return Promise.resolve(idle.pop());
      if (size === max) return new Promise(wait);
      size += 1;
      return Promise.resolve(make());
    },
    release: give,
    discard() {
      if (first === undefined) size -= 1;
      else give(make());
    },
  };
}
