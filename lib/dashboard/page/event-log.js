import { byId, h, show } from './dom.js';
import { plural, timeOfDay } from './format.js';

const LONGEST = 200;

/** What has happened, newest first. */
export class EventLog {
  constructor() {
    this.list = byId('log');
    this.filter = byId('log-filter');
    this.filter.addEventListener('click', () => this.toggle());
    /** When the newest that the server has told of happened, by its clock. */
    this.seen = 0;
  }

  /** @param items - of the server, oldest first */
  add(items, skipped = 0) {
    this.seen = items.at(-1)?.at ?? this.seen;
    this.writeAll(items, skipped);
  }

  writeAll(items, skipped) {
    if (skipped > 0)
      this.list.prepend(h('li', { 'data-level': 'skipped' }, `${plural(skipped, 'event')} left out here`));
    for (const item of items) this.write(item);
    while (this.list.childElementCount > LONGEST) this.list.lastElementChild.remove();
    show(byId('log-empty'), this.list.childElementCount === 0);
  }

  /** More of what the newest line tells is told by that line. */
  write(item) {
    const { name, type, stack } = item;
    const newest = this.list.firstElementChild;
    const isMore = type !== undefined && stack === undefined && newest?.dataset.kind === `${type} ${name}`;
    const times = isMore ? Number(newest.dataset.times) + 1 : 1;
    const line = lineOf(item, times);
    if (isMore) newest.replaceWith(line);
    else this.list.prepend(line);
  }

  /** What a new stream begins with may have been told by the last. */
  goOn(items) {
    this.add(items.filter(({ at }) => at > this.seen));
  }

  /** The next stream is another server's, of which nothing has been told. */
  beginAnew(text) {
    this.seen = 0;
    this.writeAll([{ at: Date.now(), name: '', level: 'info', text }], 0);
  }

  toggle() {
    const only = this.filter.getAttribute('aria-pressed') !== 'true';
    this.filter.setAttribute('aria-pressed', String(only));
    this.list.dataset.only = only ? 'problems' : '';
  }
}

function lineOf({ at, name, type, level, text, stack }, times) {
  const words = h('span', { class: 'log-text' }, text);
  const where = name === '' ? [] : [h('span', { class: 'log-name' }, name)];
  if (stack !== undefined)
    words.append(h('details', { class: 'holder' }, h('summary', {}, 'by whom'), h('pre', {}, stack)));
  const time = h('time', { datetime: new Date(at).toISOString() }, timeOfDay(at));
  if (times > 1) words.append(h('span', { class: 'log-times' }, `×${times}`));
  return h(
    'li',
    {
      'data-level': level,
      'data-kind': stack === undefined ? `${type} ${name}` : undefined,
      'data-times': times,
    },
    time,
    h('i', { class: 'log-dot' }),
    h('p', {}, ...where, words),
  );
}
