import type { Metric, Registry } from 'prom-client';
import { MetricNameTakenError } from './prometheus-errors.js';

/** One line of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string;
}

/** What a metric is called and what it says. */
export interface MetricTitle {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** What becomes of values with the same labels, of several applications or processes. Default `'sum'`. */
  readonly aggregator?: Aggregator;
}

type Aggregator = keyof typeof AGGREGATE;

const AGGREGATE = { sum: (one: number, other: number) => one + other, min: Math.min, max: Math.max };

/** An application's part of a metric. */
export interface Source {
  /** The application: it has one part, however often the module is imported. */
  readonly owner: object;
  read(): readonly Sample[] | Promise<readonly Sample[]>;
}

/** By it a metric of ours is known, whichever copy of this file has made it. */
const SOURCES = Symbol.for('nestjs-conn-pool.prometheus.sources');

/**
 * A metric in a registry that several applications share: each adds its source, and of what two of them say with the same
 * labels one value is made. It is in the registry as long as it has a source; nothing is read before somebody scrapes.
 */
class SharedMetric {
  readonly [SOURCES]: Source[] = [];
  name: string;
  readonly help: string;
  readonly type: MetricTitle['type'];
  /** Prom-client goes by it where it aggregates the registries of several processes. */
  readonly aggregator: Aggregator;

  constructor({ name, help, type, aggregator = 'sum' }: MetricTitle) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.aggregator = aggregator;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const parts = await Promise.all(this[SOURCES].map(async (source) => source.read()));
    const aggregate = AGGREGATE[aggregator];
    const made = new Map<string, { metricName?: string; labels: Sample['labels']; value: number }>();
    for (const { labels, value, suffix } of parts.flat()) {
      const key = `${suffix ?? ''}${JSON.stringify(labels)}`;
      const metricName = suffix === undefined ? {} : { metricName: `${name}${suffix}` };
      const other = made.get(key);
      made.set(key, { ...metricName, labels, value: other ? aggregate(other.value, value) : value });
    }
    return { name, help, type, aggregator, values: [...made.values()] };
  }

  /** `registry.resetMetrics()`: what is read from the pools cannot be reset. */
  reset(): void {}
}

/**
 * Adds a source to the metric of this name, which is made if there is none.
 *
 * @returns what takes it out again
 * @throws MetricNameTakenError where a metric that is none of ours has the name
 */
export function share(registry: Registry, title: MetricTitle, source: Source): () => void {
  const { name } = title;
  const sources = sourcesOf(registry, name) ?? register(registry, title);
  if (sources.some(({ owner }) => owner === source.owner)) return () => undefined;
  sources.push(source);
  return () => {
    const at = sources.indexOf(source);
    if (at >= 0) sources.splice(at, 1);
    // Somebody may have cleared the registry, and others have begun anew.
    if (sources.length === 0 && sourcesOf(registry, name) === sources) registry.removeSingleMetric(name);
  };
}

function sourcesOf(registry: Registry, name: string): Source[] | undefined {
  const present = registry.getSingleMetric(name) as { [SOURCES]?: Source[] } | undefined;
  if (present === undefined) return undefined;
  if (present[SOURCES] === undefined) throw new MetricNameTakenError(name);
  return present[SOURCES];
}

function register(registry: Registry, title: MetricTitle): Source[] {
  const made = new SharedMetric(title);
  registry.registerMetric(made as unknown as Metric);
  return made[SOURCES];
}
