import { type Attributes, context, type Span, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { keyText } from '../core/error-text.js';
import type { WaitEnd, WaitWatcher } from '../core/pool-events.js';

/** What the waits of a pool show as, under one prefix. */
interface Telling {
  /** What the pool is registered as. */
  readonly name: string;
  readonly prefix: string;
  readonly as: 'span' | 'event';
}

/** Shows acquires that stand in line in the trace of who waits; without a recorded span nothing is done. */
export function waitSpans(tracer: Tracer, { name, prefix, as }: Telling): WaitWatcher {
  return (_pool, key) => {
    const parent = trace.getSpan(context.active());
    if (parent === undefined || !parent.isRecording()) return undefined;
    const attributes: Attributes = { [`${prefix}.pool.name`]: name };
    if (key !== undefined) attributes[`${prefix}.pool.key`] = keyText(key);
    if (as === 'event') return (end) => tellInParent(parent, `${prefix}.waited`, attributes, prefix, end);
    const span = tracer.startSpan(`wait for ${name}`, { attributes });
    return (end) => finish(span, prefix, end);
  };
}

function tellInParent(
  parent: Span,
  name: string,
  attributes: Attributes,
  prefix: string,
  end: WaitEnd,
): void {
  parent.addEvent(name, { ...attributes, ...outcome(prefix, end) });
}

function finish(span: Span, prefix: string, end: WaitEnd): void {
  span.setAttributes(outcome(prefix, end));
  if ('error' in end) span.setStatus({ code: SpanStatusCode.ERROR, message: typeOf(end.error) });
  span.end();
}

function outcome(prefix: string, end: WaitEnd): Attributes {
  if ('error' in end) return { 'error.type': typeOf(end.error) };
  return { [`${prefix}.id`]: end.id, [`${prefix}.reused`]: end.reused };
}

/** Its code or its name: a message may hold what does not belong into a trace. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
