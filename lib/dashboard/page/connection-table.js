import { h, keepInStep, mark, put, show } from './dom.js';
import { count, plural, span } from './format.js';

const STATES = {
  dialing: 'dialling',
  checking: 'checking',
  idle: 'idle',
  leased: 'in use',
  resetting: 'resetting',
  closing: 'closing',
};

/** One row for each connection of a pool. */
export class ConnectionTable {
  constructor() {
    this.rows = new Map();
    this.body = h('tbody');
    this.table = h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['Connection', 'State', 'Age', 'Idle', 'Uses', 'In use for'].map((title, index) =>
            h('th', { scope: 'col', class: index > 1 ? 'number' : '' }, title),
          ),
          h('th', { scope: 'col', class: 'holder-cell' }, 'Acquired by'),
        ),
      ),
      this.body,
    );
    this.nothing = h('p', { class: 'empty' });
    this.more = h('p', { class: 'empty' });
    this.element = h('div', { class: 'table-place' }, this.table, this.nothing, this.more);
  }

  update({ rows, more, size }) {
    const items = rows ?? [];
    // Only pools that look for leaks know their borrowers.
    mark(this.table, 'holders', String(items.some(({ stack }) => stack !== undefined)));
    keepInStep(
      this.body,
      this.rows,
      items,
      ({ of = '', id }) => `${of} ${id}`,
      () => new Row(),
    );
    show(this.table, items.length > 0);
    show(this.nothing, items.length === 0);
    show(this.more, more > 0);
    put(this.nothing, this.reason(rows, size));
    put(this.more, `and ${plural(more, 'connection')} more`);
  }

  reason(rows, size) {
    if (rows === undefined) return 'Pools of this kind do not list their connections.';
    return size === 0 ? 'No connections. The next acquire dials one.' : 'No connection to list.';
  }
}

class Row {
  constructor() {
    this.id = h('span', { class: 'row-id' });
    this.of = h('span', { class: 'row-of' });
    this.state = h('td', { class: 'row-state' });
    this.cells = Array.from({ length: 4 }, () => h('td', { class: 'number' }));
    this.stack = h('pre');
    this.borrower = h('summary');
    this.holder = h('details', { class: 'holder' }, this.borrower, this.stack);
    this.element = h(
      'tr',
      {},
      h('th', { scope: 'row' }, this.id, this.of),
      this.state,
      ...this.cells,
      h('td', { class: 'holder-cell' }, this.holder),
    );
  }

  update({ id, of, state, age, idle, uses, held, stack }) {
    const [ageCell, idleCell, usesCell, heldCell] = this.cells;
    put(this.id, `${id}`);
    put(this.of, of ?? '');
    this.of.title = of ?? '';
    mark(this.state, 'state', state);
    put(this.state, STATES[state]);
    put(ageCell, state === 'dialing' ? '–' : span(age));
    put(idleCell, state === 'idle' ? span(idle) : '–');
    put(usesCell, count(uses));
    put(heldCell, held === undefined ? '–' : span(held));
    show(this.holder, stack !== undefined);
    if (stack === undefined) return;
    const frames = framesIn(stack);
    put(this.stack, frames.join('\n'));
    put(this.borrower, borrowerIn(frames));
  }
}

/** A pool's own frames; with them go those above. */
const OF_A_POOL = /^at (async )?((Keyed)?ConnPool|SocketPool|TcpPool)\b/;
/** What is nobody's. */
const OF_NODE = /^at (async )?(new )?Promise\b|node:internal/;

/** The function that acquired it, or the place where it has no name. */
function borrowerIn(frames) {
  const frame = frames.find((each) => !OF_NODE.test(each)) ?? frames[0];
  const [, named, place] = /^at (?:async )?(?:(\S+) )?\(?(.*?)\)?$/.exec(frame) ?? [];
  return named ?? place?.split('/').at(-1) ?? frame;
}

/** Where it was acquired, from the borrower's own function on. */
function framesIn(stack) {
  const lines = stack.split('\n').map((line) => line.trim());
  const all = lines.filter((line) => line.startsWith('at '));
  const own = all.slice(all.findLastIndex((frame) => OF_A_POOL.test(frame)) + 1);
  return [own, all, lines].find(({ length }) => length > 0);
}
