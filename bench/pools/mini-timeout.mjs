/**
 * The minimal pool with a deadline done the plain way: a timer per waiter, and a doubly linked line so that an
 * expired waiter leaves it in one step.
 *
 * @type {import('../adapter.mjs').OpenPool}
 */
export function open({ max, make, acquireTimeout = 30_000 }) {
  const idle = [];
  let size = 0;
  let first;
  let last;

  function remove(waiter) {
    if (waiter.previous === undefined) first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) last = waiter.previous;
    else waiter.next.previous = waiter.previous;
  }

  function give(conn) {
    const waiter = first;
    if (waiter === undefined) {
      idle.push(conn);
      return;
    }
    remove(waiter);
    clearTimeout(waiter.timer);
    waiter.resolve(conn);
  }

  function expire(waiter) {
    remove(waiter);
    waiter.reject(new Error('timed out'));
  }

  function wait(resolve, reject) {
    const waiter = { resolve, reject, timer: undefined, previous: last, next: undefined };
    if (last === undefined) first = waiter;
    else last.next = waiter;
    last = waiter;
    waiter.timer = setTimeout(expire, acquireTimeout, waiter);
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
