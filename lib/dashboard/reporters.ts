import type { Subscription } from 'rxjs';
import type { ManagedPool } from '../core/index.js';
import type { ConnHub } from '../hub/index.js';
import { listenTo } from './listening.js';
import { hubNews, type NewsItem, poolNews } from './news.js';
import { Refusals } from './refusals.js';
import type { Sights } from './sights.js';

interface Reporter {
  /** The pool or hub that it listens to: another may come under the same name. */
  readonly at: ManagedPool | ConnHub<never>;
  readonly listening: Subscription | undefined;
  readonly refusals?: Refusals;
}

/** One at every pool and hub, while somebody watches. */
export class Reporters {
  private readonly reporters = new Map<string, Reporter>();

  /** @param tell - told of everything worth a line, as it happens */
  constructor(
    private readonly sights: Sights,
    private readonly tell: (item: NewsItem) => void,
  ) {}

  /** Whether acquires have been refused lately. */
  tellOfRefusals(pool: string): boolean {
    return this.reporters.get(`pool ${pool}`)?.refusals?.lately === true;
  }

  /** Sends reporters where there are none, and calls those back whose pool or hub has gone. */
  post(): void {
    const wanted = new Set<string>();
    for (const [name, pool] of this.sights.pools()) {
      wanted.add(`pool ${name}`);
      this.send(`pool ${name}`, pool, () => this.listenToPool(name, pool));
    }
    for (const hub of this.sights.hubs()) {
      wanted.add(`hub ${hub.name}`);
      this.send(`hub ${hub.name}`, hub, () => this.listenToHub(hub));
    }
    for (const place of [...this.reporters.keys()]) if (!wanted.has(place)) this.recall(place);
  }

  callBack(): void {
    for (const place of [...this.reporters.keys()]) this.recall(place);
  }

  private send(place: string, at: Reporter['at'], listen: () => Reporter): void {
    const present = this.reporters.get(place);
    if (present?.at === at) return;
    this.recall(place);
    this.reporters.set(place, listen());
  }

  private recall(place: string): void {
    this.reporters.get(place)?.listening?.unsubscribe();
    this.reporters.delete(place);
  }

  private listenToPool(name: string, pool: ManagedPool): Reporter {
    const refusals = new Refusals(() => performance.now());
    const listening = listenTo(pool, (event) => {
      refusals.note(event);
      this.pass(poolNews(name, event, Date.now()));
    });
    return { at: pool, refusals, listening };
  }

  private listenToHub(hub: ConnHub<never>): Reporter {
    const listening = hub.events$.subscribe((event) => this.pass(hubNews(hub.name, event)));
    return { at: hub, listening };
  }

  private pass(item: NewsItem | undefined): void {
    if (item !== undefined) this.tell(item);
  }
}
