import { Course } from './course.js';
import { byId, h, keepInStep, put, show } from './dom.js';
import { EventLog } from './event-log.js';
import { span } from './format.js';
import { HubCard } from './hub-card.js';
import { Overview, titleOf } from './overview.js';
import { PoolCard } from './pool-card.js';
import { steer, Stream } from './stream.js';

const LINKS = { live: 'Live', retrying: 'Reconnecting', asleep: 'Asleep', connecting: 'Connecting' };

const log = new EventLog();
const overview = new Overview();
const cards = new Map();
const nothing = h(
  'p',
  { class: 'card empty', hidden: '' },
  'No pools and no hubs yet. They appear here as ConnPoolModule.forFeature(…) or ConnHubModule.forFeature(…) registers them.',
);
let greeting;
let course;

function greet(hello) {
  const isAnew = greeting !== undefined && greeting.instance !== hello.instance;
  if (isAnew) log.beginAnew('The application has been started again');
  greeting = hello;
  if (course === undefined) course = new Course(hello.course, hello.points);
  else course.goOn(hello.course, hello.points);
  log.goOn(hello.news);
  tellWhere();
}

function tellWhere() {
  if (greeting === undefined) return;
  const { host, pid, node, startedAt } = greeting;
  put(byId('where'), `${host}, process ${pid}, Node ${node.slice(1)}, up ${span(Date.now() - startedAt)}`);
}

function see(snapshot) {
  if (course === undefined) return;
  const all = [
    ...snapshot.pools.map((view) => ({ kind: 'pool', view })),
    ...snapshot.hubs.map((view) => ({ kind: 'hub', view })),
  ];
  const tools = { course, steer: (action, pool, size) => steer(greeting.token, action, pool, size) };
  const make = ({ kind, view }) => {
    const card = kind === 'pool' ? new PoolCard(view.name, tools) : new HubCard(view.name, tools);
    requestAnimationFrame(() => card.draw(course));
    return {
      element: card.element,
      update: (item) => card.update(item.view),
      draw: () => card.draw(course),
      dispose: () => card.dispose(),
    };
  };
  keepInStep(byId('cards'), cards, all, ({ kind, view }) => `${kind} ${view.name}`, make);
  if (all.length === 0) byId('cards').append(nothing);
  else nothing.remove();
  show(nothing, true);
  overview.update(snapshot);
  tellWhere();
  const title = titleOf(greeting.title, snapshot);
  if (document.title !== title) document.title = title;
}

function draw(point) {
  course?.add(point);
  for (const card of cards.values()) card.draw();
}

const stream = new Stream({
  hello: greet,
  snapshot: see,
  point: draw,
  news: ({ items, skipped }) => log.add(items, skipped),
  state: (state) => {
    document.body.dataset.link = state;
    put(byId('link-text'), LINKS[state]);
  },
});
stream.open();
