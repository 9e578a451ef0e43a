import type { NewsItem } from './news.js';

/** What is sent at a time: nobody reads more, and a storm must not become one of traffic. */
const MOST_AT_ONCE = 50;
/** What a new viewer's log begins with. */
const REMEMBERED = 100;

/** What has happened since the last edition, and what was left out of it. */
export interface Edition {
  readonly items: readonly NewsItem[];
  /** More events than these, of which nothing is shown. */
  readonly skipped: number;
}

/** Gathers news for editions. */
export class NewsDesk {
  private gathered: NewsItem[] = [];
  private skipped = 0;
  private archive: NewsItem[] = [];

  /** @returns whether it is the first since the last edition */
  add(item: NewsItem): boolean {
    if (this.gathered.length === MOST_AT_ONCE) {
      // What is worse stays; of the same kind the newer.
      const place = Math.max(
        0,
        this.gathered.findIndex(({ level }) => level === 'info'),
      );
      this.gathered.splice(place, 1);
      this.skipped += 1;
    }
    this.gathered.push(item);
    return this.gathered.length === 1;
  }

  /** `undefined` when nothing has happened. */
  edition(): Edition | undefined {
    if (this.gathered.length === 0) return undefined;
    const { gathered: items, skipped } = this;
    this.gathered = [];
    this.skipped = 0;
    this.archive = [...this.archive, ...items].slice(-REMEMBERED);
    return { items, skipped };
  }

  /** Of earlier editions, oldest first. */
  recent(): readonly NewsItem[] {
    return this.archive;
  }
}
