import { byId, h, keepInStep, mark, put, show } from './dom.js';
import { count } from './format.js';
import { MOODS } from './pool-card.js';

/** All pools and hubs at a glance, and a way to each. */
export class Overview {
  constructor() {
    this.place = byId('overview');
    this.chips = new Map();
  }

  update({ pools, hubs }) {
    const all = [
      ...pools.map((view) => ({ kind: 'pool', view })),
      ...hubs.map((view) => ({ kind: 'hub', view })),
    ];
    show(this.place, all.length > 1);
    keepInStep(
      this.place,
      this.chips,
      all,
      ({ kind, view }) => `${kind}-${view.name}`,
      (item) => new Chip(item),
    );
  }
}

class Chip {
  constructor({ kind, view }) {
    this.number = h('span', { class: 'chip-number' });
    this.element = h(
      'a',
      { class: 'chip', href: `#${kind}-${view.name}` },
      h('i', { class: 'dot' }),
      view.name,
      this.number,
    );
  }

  update({ kind, view }) {
    const mood = view.failed === undefined ? view.mood : 'failing';
    mark(this.element, 'mood', mood);
    this.element.setAttribute('aria-label', `${view.name}: ${MOODS[mood]}`);
    put(this.number, numberOf(kind, view));
  }
}

function numberOf(kind, { failed, leased, max, waiting, connections }) {
  if (failed !== undefined) return '–';
  if (kind === 'hub') return count(connections);
  const use = max === null ? count(leased) : `${count(leased)}/${count(max)}`;
  return waiting > 0 ? `${use} +${count(waiting)}` : use;
}

/** What is wrong, in the title of the tab. */
export function titleOf(title, { pools, hubs }) {
  const bad = [...pools, ...hubs].filter(({ mood, failed }) => failed !== undefined || BAD.includes(mood));
  if (bad.length === 0) return title;
  return `⚠ ${bad[0].name}: ${(MOODS[bad[0].mood] ?? 'cannot be read').toLowerCase()}${bad.length > 1 ? ` +${bad.length - 1}` : ''} · ${title}`;
}

const BAD = ['exhausted', 'failing', 'degraded', 'down'];
