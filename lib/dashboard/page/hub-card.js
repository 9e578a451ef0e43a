import { Chart } from './chart.js';
import { h, mark, put, show } from './dom.js';
import { bytes, count, latency } from './format.js';
import { Figures, MOODS } from './pool-card.js';

/** One hub. */
export class HubCard {
  constructor(name) {
    this.name = name;
    this.pill = h('span', { class: 'pill' });
    this.kind = h('span', { class: 'kind' });
    this.trouble = h('p', { class: 'trouble', role: 'status' });
    this.figures = new Figures(['connections', 'clients', 'queued', 'dropped']);
    this.facts = h('p', { class: 'facts' });
    const format = (value) => count(Math.round(value));
    this.connections = new Chart({
      title: 'Connections',
      series: [{ label: 'now', colour: 'leased', fill: true, least: 1 }],
      format,
      whole: true,
      empty: 'Drawing begins…',
    });
    this.queued = new Chart({
      title: 'Messages that wait for their sockets',
      series: [{ label: 'now', colour: 'waiting', fill: true, least: 1 }],
      format,
      whole: true,
      empty: 'Drawing begins…',
    });
    this.element = h(
      'section',
      { class: 'card hub', id: `hub-${name}`, 'aria-label': `Hub ${name}` },
      h('header', { class: 'card-head' }, h('h2', {}, name), this.kind, this.pill),
      this.trouble,
      this.figures.element,
      h('div', { class: 'charts two' }, this.connections.element, this.queued.element),
      this.facts,
    );
  }

  update({ mood, node, connections, ids, groups, queuedMessages, queuedBytes, totals, backplane }) {
    mark(this.element, 'mood', mood);
    mark(this.pill, 'mood', mood);
    put(this.pill, MOODS[mood]);
    put(this.kind, `Hub on ${node.length > 20 ? `${node.slice(0, 8)}…` : node}`);
    this.figures.set(0, count(connections), connections === 1 ? 'connection' : 'connections');
    this.figures.set(1, count(ids), `ids, ${count(groups)} groups`);
    this.figures.set(2, count(queuedMessages), `queued, ${bytes(queuedBytes)}`);
    this.figures.set(3, count(totals.dropped), 'dropped');
    const isDown = backplane?.state === 'down';
    show(this.trouble, isDown);
    put(this.trouble, isDown ? `The backplane is down: ${backplane.error ?? 'no cause is known'}` : '');
    const { pushed } = totals;
    const tie = backplane === undefined ? 'no backplane' : `${backplane.kind} backplane, ${lagOf(backplane)}`;
    put(
      this.facts,
      `Pushed: ${count(pushed.sent)} sent, ${count(pushed.forwarded)} forwarded, ${count(pushed.offline)} offline, ${count(pushed.refused)} refused; ${count(totals.broadcasts)} broadcasts, ${count(totals.acked)} acknowledged; ${tie}`,
    );
  }

  draw(course) {
    const { now } = course;
    this.connections.update(course.dataOf('hubs', this.name, [({ connections }) => connections]), now);
    this.queued.update(course.dataOf('hubs', this.name, [({ queued }) => queued]), now);
  }

  dispose() {
    this.connections.dispose();
    this.queued.dispose();
  }
}

function lagOf({ state, lagMs }) {
  return state === 'up' && lagMs !== undefined ? `lag ${latency(lagMs)}` : state;
}
