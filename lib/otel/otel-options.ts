import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { readFields } from '../core/fields.js';
import { InvalidRootOptionsError } from '../nest/index.js';

/** What `ConnPoolOtelModule` is told. */
export interface ConnPoolOtelOptions {
  /** Before the name of each metric and attribute. Default `'db.client.connection'`, of the semantic conventions. */
  prefix?: string;
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

export type ResolvedOtelOptions = Required<Pick<ConnPoolOtelOptions, 'prefix' | 'waits' | 'durations'>> &
  Pick<ConnPoolOtelOptions, 'meterProvider' | 'tracerProvider'>;

const OPTIONS = ['prefix', 'waits', 'durations', 'meterProvider', 'tracerProvider'];

/** @throws InvalidRootOptionsError with every bad field */
export function resolveOtelOptions(given: ConnPoolOtelOptions): ResolvedOtelOptions {
  const { fields, problems } = readFields<ConnPoolOtelOptions>(given, OPTIONS);
  const { prefix = 'db.client.connection', waits = 'span', durations = true } = fields;
  const { meterProvider, tracerProvider } = fields;
  if (typeof prefix !== 'string' || !/^[a-zA-Z][\w.-]*\w$/.test(prefix))
    problems.push({
      path: 'prefix',
      given: prefix,
      allowed: "a name such as 'db.client.connection', without the last dot",
    });
  if (!['span', 'event', false].includes(waits))
    problems.push({ path: 'waits', given: waits, allowed: "'span', 'event' or false" });
  if (typeof durations !== 'boolean')
    problems.push({ path: 'durations', given: durations, allowed: 'true or false' });
  if (meterProvider !== undefined && typeof meterProvider.getMeter !== 'function')
    problems.push({ path: 'meterProvider', given: meterProvider, allowed: 'a MeterProvider' });
  if (tracerProvider !== undefined && typeof tracerProvider.getTracer !== 'function')
    problems.push({ path: 'tracerProvider', given: tracerProvider, allowed: 'a TracerProvider' });
  if (problems.length > 0) throw new InvalidRootOptionsError('ConnPoolOtelModule has', problems);
  return { prefix, waits, durations, meterProvider, tracerProvider };
}
