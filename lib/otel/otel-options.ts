import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { readFields } from '../core/fields.js';
import { InvalidRootOptionsError } from '../nest/index.js';

/** What `ConnPoolOtelModule` is told. */
export interface ConnPoolOtelOptions {
  /** Before the name of each metric and attribute. Default `'db.client.connection'`, of the semantic conventions. */
  prefix?: string;
  /** Before the name of each metric and attribute of hubs, for which there are no conventions. Default `'conn.hub'`. */
  hubPrefix?: string;
  /**
   * What becomes of an acquire that stands in line within a span that is recorded: a child span, an event of the span, or
   * nothing. Default `'span'`.
   */
  waits?: 'span' | 'event' | false;
  /** Histograms of the time to make, to wait for and to use a connection. Default true; false measures nothing. */
  durations?: boolean;
  /** Default: the global one, as it is when the application is made. */
  meterProvider?: MeterProvider;
  /** Default: the global one. */
  tracerProvider?: TracerProvider;
}

export type ResolvedOtelOptions = Required<
  Pick<ConnPoolOtelOptions, 'prefix' | 'hubPrefix' | 'waits' | 'durations'>
> &
  Pick<ConnPoolOtelOptions, 'meterProvider' | 'tracerProvider'>;

const OPTIONS = ['prefix', 'hubPrefix', 'waits', 'durations', 'meterProvider', 'tracerProvider'];

const POOL_PREFIX = 'db.client.connection';
const HUB_PREFIX = 'conn.hub';

/** @throws InvalidRootOptionsError with every bad field */
export function resolveOtelOptions(given: ConnPoolOtelOptions): ResolvedOtelOptions {
  const { fields, problems } = readFields<ConnPoolOtelOptions>(given, OPTIONS);
  const { prefix = POOL_PREFIX, hubPrefix = HUB_PREFIX, waits = 'span', durations = true } = fields;
  const { meterProvider, tracerProvider } = fields;
  const checkPrefix = (path: string, name: unknown, usual: string): void => {
    if (typeof name !== 'string' || !/^[a-zA-Z][\w.-]*\w$/.test(name))
      problems.push({ path, given: name, allowed: `a name such as '${usual}', without the last dot` });
  };
  checkPrefix('prefix', prefix, POOL_PREFIX);
  checkPrefix('hubPrefix', hubPrefix, HUB_PREFIX);
  if (!['span', 'event', false].includes(waits))
    problems.push({ path: 'waits', given: waits, allowed: "'span', 'event' or false" });
  if (typeof durations !== 'boolean')
    problems.push({ path: 'durations', given: durations, allowed: 'true or false' });
  if (meterProvider !== undefined && typeof meterProvider.getMeter !== 'function')
    problems.push({ path: 'meterProvider', given: meterProvider, allowed: 'a MeterProvider' });
  if (tracerProvider !== undefined && typeof tracerProvider.getTracer !== 'function')
    problems.push({ path: 'tracerProvider', given: tracerProvider, allowed: 'a TracerProvider' });
  if (problems.length > 0) throw new InvalidRootOptionsError('ConnPoolOtelModule has', problems);
  return { prefix, hubPrefix, waits, durations, meterProvider, tracerProvider };
}
