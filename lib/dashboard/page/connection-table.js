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
    put(this.stack, frames(stack));
    put(this.borrower, borrowerIn(stack));
  }
}

/** What stands between the pool and its borrower. */
const BETWEEN =
  /^at (async )?((Keyed)?ConnPool|SocketPool|TcpPool|Promise|new Promise)\b|node:internal|node_modules/;

/** The function that acquired it, or the place where it has no name. */
function borrowerIn(stack) {
  const all = frames(stack).split('\n');
  const first = all.find((frame) => !BETWEEN.test(frame)) ?? all[0];
  const [, named, place] = /^at (?:async )?(?:(\S+) )?\(?(.*?)\)?$/.exec(first) ?? [];
  return named ?? place?.split('/').at(-1) ?? first;
}

/** Where it was acquired, without the heading. */
function frames(stack) {
  const lines = stack.split('\n').filter((line) => line.trimStart().startsWith('at '));
  return lines.map((line) => line.trim()).join('\n') || stack;
}
