import { ask, tell } from './confirmation.js';
import { Chart } from './chart.js';
import { ConnectionTable } from './connection-table.js';
import { h, mark, put, show } from './dom.js';
import { count, latency, plural, rate } from './format.js';

export const MOODS = {
  ok: 'Healthy',
  busy: 'All in use',
  dialing: 'Waiting for dials',
  exhausted: 'Exhausted',
  failing: 'Dials fail',
  paused: 'Paused',
  draining: 'Draining',
  closed: 'Closed',
  up: 'Healthy',
  degraded: 'This instance only',
  down: 'Down',
};

const SEGMENTS = [
  ['leased', 'in use'],
  ['checking', 'checking'],
  ['dialing', 'dialling'],
  ['closing', 'closing'],
  ['idle', 'idle'],
];
/** Shown also when there are none. */
const ALWAYS = ['leased', 'idle'];
/** More slots than these are too narrow to be told apart. */
const MOST_SLOTS = 60;
const MOST_DOTS = 48;

const PERCENTILES = [
  { label: 'p50', colour: 'p50' },
  { label: 'p95', colour: 'p95' },
  { label: 'p99', colour: 'p99' },
];

const QUESTIONS = {
  heartbeat: ({ name, idle }) => ({
    button: 'Check now',
    title: `Check the idle connections of “${name}”?`,
    text: `${plural(idle, 'idle connection')} will be asked for a sign of life. Those that give none are closed.`,
    yes: 'Check now',
  }),
  'close-idle': ({ name, idle }) => ({
    button: 'Close idle',
    title: `Close the idle connections of “${name}”?`,
    text: `${plural(idle, 'connection')} will be closed. The pool goes on and dials when somebody asks.`,
    yes: 'Close idle',
  }),
  'evict-all': ({ name, size }) => ({
    button: 'Replace all…',
    title: `Replace every connection of “${name}”?`,
    text: `Of ${plural(size, 'connection')} the idle ones are closed now, those in use when they come back. Good after a failover or a change of credentials.`,
    yes: 'Replace all',
    danger: true,
  }),
  resize: ({ name, max, min, maxIdle }) => ({
    button: 'Resize…',
    title: `Resize “${name}”?`,
    text: 'It holds until the application is started again. What is too many goes as it comes back.',
    yes: 'Resize',
    fields: [
      { name: 'max', label: 'max', value: max },
      { name: 'min', label: 'min', value: min },
      { name: 'maxIdle', label: 'maxIdle', value: maxIdle },
    ],
  }),
  pause: ({ name }) => ({
    button: 'Pause…',
    title: `Pause “${name}”?`,
    text: 'Nothing is lent or dialled until it is resumed. Borrowers wait in line, their deadlines go on, and requests will fail.',
    yes: 'Pause',
    danger: true,
  }),
  resume: ({ name }) => ({
    button: 'Resume',
    title: `Resume “${name}”?`,
    text: 'It lends again, to those in line first.',
    yes: 'Resume',
  }),
};

/** One pool. */
export class PoolCard {
  /** @param steer - `(action, pool, size)`, resolves with a sentence */
  constructor(name, { steer }) {
    Object.assign(this, { name, steer, rates: [] });
    this.title = h('h2', {}, name);
    this.kind = h('span', { class: 'kind' });
    this.pill = h('span', { class: 'pill' });
    this.trouble = h('p', { class: 'trouble', role: 'status' });
    this.figures = new Figures(['in use', 'in line', 'acquires', 'wait, p95']);
    this.bar = new Bar();
    this.line = new Line();
    this.charts = this.makeCharts();
    this.table = new ConnectionTable();
    this.connections = fold('Connections', this.table.element);
    this.totals = new Totals();
    this.buttons = h('div', { class: 'actions' });
    this.element = h(
      'section',
      { class: 'card pool', id: `pool-${name}`, 'aria-label': `Pool ${name}` },
      h('header', { class: 'card-head' }, this.title, this.kind, this.pill),
      this.trouble,
      this.figures.element,
      this.bar.bar,
      h('div', { class: 'beneath' }, this.bar.legend, this.line.element),
      h('div', { class: 'charts' }, ...this.charts.map(({ element }) => element)),
      this.connections.element,
      fold('Since the start', this.totals.element).element,
      this.buttons,
    );
  }

  makeCharts() {
    const load = new Chart({
      title: 'Load, peaks',
      series: [
        { label: 'in use', colour: 'leased', fill: true, least: 1 },
        { label: 'in line', colour: 'waiting', aboveGround: true },
        { label: 'max', colour: 'ink-3', dash: true, quiet: true, width: 1 },
      ],
      format: (value) => count(Math.round(value)),
      whole: true,
      empty: 'Drawing begins…',
    });
    const times = (title, empty) => new Chart({ title, series: PERCENTILES, format: latency, empty });
    return [load, times('Acquire, wait', 'No acquire of late'), times('Dial', 'No dial of late')];
  }

  /** What cannot be shown must not keep other cards from being so. */
  update(view) {
    this.view = view;
    if (view.failed !== undefined) return this.showFailure(view.failed);
    try {
      return this.show(view);
    } catch (error) {
      return this.showFailure(error.message);
    }
  }

  show(view) {
    const { mood, leased, max, waiting, kind, trouble, actions, totals } = view;
    mark(this.element, 'mood', mood);
    mark(this.pill, 'mood', mood);
    put(this.pill, MOODS[mood]);
    put(this.kind, kind);
    show(this.trouble, trouble !== undefined);
    put(this.trouble, trouble === undefined ? '' : `Dials fail: ${trouble}`);
    this.figures.set(0, count(leased), max === null ? 'in use, no limit' : `of ${count(max)} in use`);
    this.figures.set(1, count(waiting), 'in line');
    this.figures.set(2, rate(this.rateOf(totals.acquired)), 'acquires');
    this.bar.update(view);
    this.line.update(waiting);
    this.connections.set(count(view.size));
    this.table.update(view);
    this.totals.update(totals);
    this.offer(actions);
  }

  showFailure(failed) {
    mark(this.element, 'mood', 'failing');
    mark(this.pill, 'mood', 'failing');
    put(this.pill, 'Cannot be read');
    put(this.trouble, `Its statistics cannot be read: ${failed}`);
    show(this.trouble, true);
  }

  /** Over the last few seconds, so that the number can be read. */
  rateOf(acquired) {
    const now = performance.now();
    // A restart begins to count anew.
    if (acquired < (this.rates.at(-1)?.acquired ?? 0)) this.rates = [];
    this.rates = [...this.rates.filter(({ at }) => now - at < 4000), { at: now, acquired }];
    const [first] = this.rates;
    return now - first.at < 400 ? 0 : ((acquired - first.acquired) * 1000) / (now - first.at);
  }

  draw(course) {
    const { now } = course;
    const of = (kind) => ['p50', 'p95', 'p99'].map((p) => (point) => point[kind]?.[p]);
    const [load, wait, dial] = this.charts;
    load.update(
      course.dataOf('pools', this.name, [({ leased }) => leased, ({ waiting }) => waiting, ({ max }) => max]),
      now,
    );
    wait.update(course.dataOf('pools', this.name, of('wait')), now);
    dial.update(course.dataOf('pools', this.name, of('dial')), now);
    const { wait: late } = course.points.at(-1)?.pools[this.name] ?? {};
    this.figures.set(3, late === undefined ? '–' : latency(late.p95), 'wait, p95');
  }

  offer(actions) {
    const wanted = actions.join(' ');
    if (this.offered === wanted) return;
    this.offered = wanted;
    const buttons = actions.map((action) =>
      h(
        'button',
        { type: 'button', 'data-action': action, onclick: () => this.act(action) },
        QUESTIONS[action](this.view).button,
      ),
    );
    this.buttons.replaceChildren(...buttons);
  }

  async act(action) {
    const size = await ask(QUESTIONS[action](this.view));
    if (size === undefined) return;
    if (action === 'resize' && Object.keys(size).length === 0) return tell('Nothing was changed.');
    try {
      tell(await this.steer(action, this.name, size));
    } catch (error) {
      tell(error.message, true);
    }
  }

  dispose() {
    for (const chart of this.charts) chart.dispose();
  }
}

/** The few numbers to see from afar. */
export class Figures {
  constructor(labels) {
    this.values = labels.map(() => h('b', {}, '–'));
    this.labels = labels.map((label) => h('span', {}, label));
    this.element = h(
      'div',
      { class: 'figures' },
      ...labels.map((_, index) => h('p', { class: 'figure' }, this.values[index], ' ', this.labels[index])),
    );
  }

  set(index, value, label) {
    put(this.values[index], value);
    put(this.labels[index], label);
  }
}

/** Something that unfolds, with a count in its heading. */
export function fold(title, content) {
  const number = h('span', { class: 'fold-count' });
  const element = h('details', { class: 'fold' }, h('summary', {}, title, ' ', number), content);
  return { element, set: (text) => put(number, text) };
}

/** The connections by state, against max. */
class Bar {
  constructor() {
    this.parts = SEGMENTS.map(([state]) => h('i', { class: `part ${state}` }));
    this.limit = h('i', { class: 'limit' });
    this.bar = h('div', { class: 'bar', role: 'img' }, ...this.parts, this.limit);
    this.keys = SEGMENTS.map(([state, label]) => {
      const number = h('b');
      return {
        state,
        number,
        element: h('li', {}, h('i', { class: `swatch ${state}` }), number, ` ${label}`),
      };
    });
    this.freeNumber = h('b');
    this.free = h('li', {}, h('i', { class: 'swatch free' }), this.freeNumber, ' free');
    this.legend = h('ul', { class: 'legend' }, ...this.keys.map(({ element }) => element), this.free);
  }

  update(view) {
    const { size, max } = view;
    const whole = Math.max(size, max ?? Math.max(size, 1));
    SEGMENTS.forEach(([state], index) =>
      this.parts[index].style.setProperty('width', `${(view[state] / whole) * 100}%`),
    );
    this.bar.style.setProperty('--share', `${1 / whole}`);
    mark(this.bar, 'slots', String(max !== null && whole <= MOST_SLOTS));
    // Overflow goes beyond the limit: where it lies is then a mark in the bar.
    show(this.limit, max !== null && size > max);
    if (max !== null) this.limit.style.setProperty('left', `${(max / whole) * 100}%`);
    for (const { state, number, element } of this.keys) {
      put(number, count(view[state]));
      show(element, view[state] > 0 || ALWAYS.includes(state));
    }
    show(this.free, max !== null);
    put(this.freeNumber, count(Math.max(0, (max ?? 0) - size)));
    const words = SEGMENTS.filter(([state]) => view[state] > 0).map(
      ([state, label]) => `${view[state]} ${label}`,
    );
    this.bar.setAttribute(
      'aria-label',
      `Connections: ${words.join(', ') || 'none'}; ${max === null ? 'no limit' : `at most ${max}`}`,
    );
  }
}

/** Who waits: a dot each, as in a queue. */
class Line {
  constructor() {
    this.dots = h('span', { class: 'dots', 'aria-hidden': 'true' });
    this.words = h('span', { class: 'line-words' });
    this.element = h('p', { class: 'line' }, this.dots, this.words);
  }

  update(waiting) {
    const dots = Math.min(waiting, MOST_DOTS);
    while (this.dots.childElementCount > dots) this.dots.lastElementChild.remove();
    while (this.dots.childElementCount < dots) this.dots.append(h('i'));
    mark(this.element, 'waiting', String(waiting > 0));
    put(this.words, waiting === 0 ? 'Nobody in line' : `${plural(waiting, 'acquire')} in line`);
  }
}

/** Counts since the pool was made. */
class Totals {
  constructor() {
    this.cells = new Map();
    this.element = h('dl', { class: 'totals' });
  }

  update({ closed, ...counts }) {
    const reasons = Object.entries(closed).filter(([, number]) => number > 0);
    const all = [
      ...Object.entries(counts),
      ...reasons.map(([reason, number]) => [`closed: ${reason}`, number]),
    ];
    for (const [name, number] of all) {
      let cell = this.cells.get(name);
      if (cell === undefined) {
        cell = h('dd');
        this.cells.set(name, cell);
        this.element.append(h('div', {}, h('dt', {}, wordsOf(name)), cell));
      }
      put(cell, count(number));
    }
  }
}

/** `dialFailures`: `dial failures`. */
function wordsOf(name) {
  if (name === 'dialed') return 'dialled';
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll('-', ' ');
}
