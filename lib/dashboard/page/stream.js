/** Silence longer than this means that the stream is dead, although nothing says so. Milliseconds. */
const LONGEST_SILENCE = 25_000;
/** A page that nobody sees has no need of news. Milliseconds. */
const HIDDEN_FOR = 60_000;
const FIRST_RETRY = 400;
const LAST_RETRY = 5000;

export const base = location.pathname.replace(/\/+$/, '');

/**
 * The stream of this page. It comes back by itself: a browser's own EventSource gives up for good when a proxy answers
 * for an application that is being started again.
 */
export class Stream {
  /** @param listeners - by type of message; and `state`, told of 'live', 'retrying' and 'asleep' */
  constructor(listeners) {
    this.listeners = listeners;
    this.retry = FIRST_RETRY;
    document.addEventListener('visibilitychange', () => this.look());
    addEventListener('pageshow', () => this.open());
    addEventListener('pagehide', () => this.close());
    addEventListener('online', () => this.open());
  }

  open() {
    if (this.source !== undefined) return;
    clearTimeout(this.timer);
    const source = new EventSource(`${base}/stream${location.search}`);
    this.source = source;
    for (const type of ['hello', 'snapshot', 'point', 'news', 'bye']) {
      source.addEventListener(type, ({ data }) => this.take(type, JSON.parse(data)));
    }
    source.addEventListener('error', () => this.lose());
    this.listen();
  }

  take(type, data) {
    this.listen();
    if (type === 'bye') return this.lose();
    if (type === 'hello') {
      this.retry = FIRST_RETRY;
      this.listeners.state('live');
    }
    return this.listeners[type](data);
  }

  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lose(), LONGEST_SILENCE);
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.source?.close();
    this.source = undefined;
  }

  lose() {
    this.close();
    this.listeners.state('retrying');
    this.timer = setTimeout(() => this.open(), this.retry);
    this.retry = Math.min(this.retry * 1.6, LAST_RETRY);
  }

  look() {
    clearTimeout(this.sleep);
    if (!document.hidden) return this.open();
    this.sleep = setTimeout(() => {
      this.close();
      this.listeners.state('asleep');
    }, HIDDEN_FOR);
    return undefined;
  }
}

/** Does something to a pool. @returns a sentence about it */
export async function steer(token, action, pool, size) {
  const query = new URLSearchParams(location.search);
  query.set('do', action);
  query.set('pool', pool);
  for (const [name, value] of Object.entries(size)) query.set(name, value);
  const response = await fetch(`${base}/actions?${query}`, {
    method: 'POST',
    headers: { 'x-conn-pool-token': token },
  }).catch(() => undefined);
  if (response === undefined) throw new Error('The application cannot be reached.');
  const { done, message } = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(message ?? `Refused with status ${response.status}.`);
  return done;
}
