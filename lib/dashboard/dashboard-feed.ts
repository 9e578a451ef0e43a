import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Course, COURSE_LENGTH, POINT_EVERY } from './course.js';
import type { DashboardSettings } from './dashboard-options.js';
import { DASHBOARD_SETTINGS } from './dashboard-tokens.js';
import { NewsDesk } from './news-desk.js';
import { isGone } from './raw-http.js';
import { Reporters } from './reporters.js';
import { Sights } from './sights.js';
import { Survey } from './survey.js';
import { Ticket } from './ticket.js';
import { messageText, Viewer } from './viewer.js';

/** News are gathered for so long, that a storm of them is few messages. Milliseconds. */
const GATHER_NEWS = 100;

/** What runs while somebody watches. */
interface Watch {
  readonly looking: NodeJS.Timeout;
  printing: NodeJS.Timeout | undefined;
  looks: number;
}

/**
 * Feeds all viewers. They share one look at the pools, one set of listeners and one set of timers, none of which is
 * there while nobody watches.
 */
@Injectable()
export class DashboardFeed implements BeforeApplicationShutdown {
  private readonly viewers = new Set<Viewer>();
  private readonly course = new Course();
  private readonly desk = new NewsDesk();
  private readonly reporters: Reporters;
  private readonly survey: Survey;
  private watch: Watch | undefined;
  private snapshot = '';
  private over = false;

  constructor(
    sights: Sights,
    @Inject(DASHBOARD_SETTINGS) private readonly settings: DashboardSettings,
    private readonly ticket: Ticket,
  ) {
    this.reporters = new Reporters(sights, (item) => {
      if (this.desk.add(item)) this.printSoon();
    });
    this.survey = new Survey(sights, this.reporters, settings.actions);
  }

  /** How many watch. */
  get size(): number {
    return this.viewers.size;
  }

  /** The application is ending: nobody is admitted any more. */
  get isOver(): boolean {
    return this.over;
  }

  admit(request: IncomingMessage, response: ServerResponse): void {
    // Guards take their time; meanwhile a page may have been closed.
    if (isGone(response)) return;
    if (this.watch === undefined) this.begin();
    const viewer = new Viewer(request, response, () => this.leave(viewer));
    this.viewers.add(viewer);
    viewer.send(messageText('hello', this.greeting()) + this.snapshot);
  }

  /** Ends the streams before the server waits for them. */
  async beforeApplicationShutdown(): Promise<void> {
    this.over = true;
    this.stop();
    for (const viewer of this.viewers) viewer.end();
    // Their sockets are let go of in this turn; until then the server would count them as busy.
    await setImmediate();
  }

  private get looksAPoint(): number {
    return Math.ceil(POINT_EVERY / this.settings.interval);
  }

  private greeting(): object {
    const { title, interval, actions } = this.settings;
    return {
      instance: this.ticket.instance,
      token: actions.length === 0 ? undefined : this.ticket.token,
      title,
      interval,
      host: hostname(),
      pid: process.pid,
      node: process.version,
      startedAt: Math.round(Date.now() - process.uptime() * 1000),
      course: { length: COURSE_LENGTH, every: this.looksAPoint * interval },
      points: this.course.since(Date.now() - COURSE_LENGTH),
      news: this.desk.recent(),
    };
  }

  private leave(viewer: Viewer): void {
    this.viewers.delete(viewer);
    if (this.viewers.size === 0) this.stop();
  }

  private begin(): void {
    const watch: Watch = {
      looking: setInterval(() => this.look(watch), this.settings.interval).unref(),
      printing: undefined,
      looks: 0,
    };
    // The first point of a pool that has never been asked says that it measures, and from now on it does.
    this.watch = watch;
    this.look(watch);
  }

  private stop(): void {
    const { watch } = this;
    this.watch = undefined;
    this.reporters.callBack();
    this.desk.edition();
    clearInterval(watch?.looking);
    clearTimeout(watch?.printing);
  }

  private look(watch: Watch): void {
    this.reporters.post();
    this.snapshot = messageText('snapshot', this.survey.snapshot());
    this.sendAll(this.snapshot);
    // On the same timer, so that there is something seen to be drawn.
    if (watch.looks % this.looksAPoint === 0) this.draw();
    watch.looks += 1;
  }

  private draw(): void {
    const point = this.survey.point();
    this.course.add(point);
    this.sendAll(messageText('point', point));
  }

  private printSoon(): void {
    if (this.watch === undefined) return;
    this.watch.printing = setTimeout(() => {
      const edition = this.desk.edition();
      if (edition !== undefined) this.sendAll(messageText('news', edition));
    }, GATHER_NEWS).unref();
  }

  private sendAll(message: string): void {
    for (const viewer of this.viewers) viewer.send(message);
  }
}
