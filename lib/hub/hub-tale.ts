import { EventStream } from '../core/event-stream.js';
import { InvalidHubOptionsError } from './hub-errors.js';
import type { HubEvent, HubNews } from './hub-events.js';

/**
 * A hub's stream of events. It is told of one step in one go, when the step is done: a listener that acts upon the first
 * event of a step finds the hub as it is after the last, and what he causes is told after it.
 */
export class HubTale extends EventStream<HubEvent> {
  private readonly untold: HubEvent[] = [];
  private steps = 0;
  private isTelling = false;

  constructor(private readonly hub: string) {
    super({ whose: 'a hub', refuse: (problem) => new InvalidHubOptionsError(hub, [problem]) });
  }

  /** What is told within is told at its end; steps may lie within each other. */
  step<R>(work: () => R): R {
    this.steps += 1;
    try {
      return work();
    } finally {
      this.steps -= 1;
      this.tellAll();
    }
  }

  tell(news: HubNews): void {
    if (!this.observed) return;
    this.untold.push({ ...news, hub: this.hub, at: Date.now() } as HubEvent);
    this.tellAll();
  }

  private tellAll(): void {
    if (this.isTelling || this.steps > 0) return;
    this.isTelling = true;
    try {
      for (let event = this.untold.shift(); event !== undefined; event = this.untold.shift())
        this.emit(event);
    } finally {
      this.isTelling = false;
    }
  }
}
