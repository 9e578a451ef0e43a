import { keyText } from '../core/error-text.js';
import type { PoolEvent } from '../core/index.js';
import type { HubEvent } from '../hub/index.js';
import { causeText } from '../nest/cause-text.js';
import { counted } from '../nest/counted.js';

/** `'good'`: something has healed; `'warn'`: look at it when it comes often; `'bad'`: borrowers suffer. */
export type NewsLevel = 'info' | 'good' | 'warn' | 'bad';

/** An event as the page shows it. */
export interface NewsItem {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly of: 'pool' | 'hub';
  /** Of the pool or hub. */
  readonly name: string;
  readonly type: string;
  readonly level: NewsLevel;
  readonly text: string;
  /** Where a leaked lease was acquired. */
  readonly stack?: string;
}

type Told = readonly [level: NewsLevel, text: string, stack?: string];

/** What has happened in a pool; `undefined` for what is not worth a line. */
export function poolNews(name: string, event: PoolEvent, at: number): NewsItem | undefined {
  const told = tellPoolEvent(event);
  if (told === undefined) return undefined;
  const [level, text, stack] = told;
  const key = event.key === undefined ? '' : `, key ${keyText(event.key)}`;
  return { at, of: 'pool', name, type: event.type, level, text: text + key, ...(stack && { stack }) };
}

function tellPoolEvent(event: PoolEvent): Told | undefined {
  switch (event.type) {
    case 'started':
      return ['info', `Started with ${counted(event.ready, 'connection')} ready`];
    case 'dialed':
      return ['info', `Connection ${event.id} dialled in ${ms(event.durationMs)}`];
    case 'dial-failed':
      return [
        'bad',
        `Dial ${event.attempt > 1 ? `attempt ${event.attempt} ` : ''}failed: ${causeText(event.cause)}${next(event)}`,
      ];
    case 'recovered':
      return [
        'good',
        `Dials succeed again, after ${counted(event.failures, 'failure')} in ${ms(event.downMs)}`,
      ];
    case 'lost':
      return [
        'warn',
        `Connection ${event.id} lost${event.leased ? ' in a borrower’s hands' : ''}${because(event.cause)}`,
      ];
    case 'heartbeat-failed':
      return ['warn', `Connection ${event.id} failed its heartbeat${because(event.cause)}`];
    case 'reset-failed':
      return ['warn', `Connection ${event.id} could not be reset${because(event.cause)}`];
    case 'close':
      return ['info', `Connection ${event.id} closed: ${event.reason}`];
    case 'close-failed':
      return ['warn', `Connection ${event.id} could not be closed${because(event.cause)}`];
    case 'exhausted':
      return ['bad', `Exhausted: an acquire was refused, ${event.leased} in use, ${event.waiting} waiting`];
    case 'timeout':
      return ['bad', causeText(event.error)];
    case 'leak':
      return ['warn', `Connection ${event.id} has been held for ${ms(event.heldMs)}: a leak?`, event.stack];
    case 'leak-returned':
      return ['good', `Connection ${event.id} came back after all, after ${ms(event.heldMs)}`];
    case 'generation':
      return ['info', `Generation ${event.generation}: what was dialled before is not lent again`];
    case 'state':
      return [event.state === 'open' ? 'good' : 'warn', STATES[event.state]];
    case 'closed':
      return [
        'info',
        `Closed: ${counted(event.report.closed, 'connection')}, ${event.report.forced} by force`,
      ];
    default:
      return undefined;
  }
}

const STATES = {
  open: 'Lends again',
  paused: 'Paused: nothing is lent',
  draining: 'Draining: waits for what is lent',
} as const;

function next({ permanent, retryInMs }: { permanent: boolean; retryInMs: number }): string {
  if (permanent) return '; retrying is pointless';
  return retryInMs > 0 ? `; next try in ${ms(retryInMs)} or later` : '';
}

/** What has happened in a hub. Who its clients are is no business of the page: their ids stay out. */
export function hubNews(name: string, event: HubEvent): NewsItem | undefined {
  const told = tellHubEvent(event);
  if (told === undefined) return undefined;
  return { at: event.at, of: 'hub', name, type: event.type, level: told[0], text: told[1] };
}

function tellHubEvent(event: HubEvent): Told | undefined {
  switch (event.type) {
    case 'joined':
      return ['info', 'A connection has joined'];
    case 'left':
      return ['info', `A connection has left: ${event.reason}, code ${event.code}`];
    case 'dropped':
      return ['warn', `${counted(event.messages, 'message')} dropped: ${event.reason}`];
    case 'rejected':
      return ['warn', `A connection was refused: ${event.reason}${because(event.cause)}`];
    case 'backplane':
      return event.state === 'up'
        ? ['good', 'The backplane is up']
        : ['bad', `The backplane is down: only clients of this instance are reached${because(event.cause)}`];
    default:
      return undefined;
  }
}

function because(cause: unknown): string {
  const text = causeText(cause);
  return text === '' ? '' : `: ${text}`;
}

function ms(duration: number): string {
  if (duration < 10) return `${Number(duration.toFixed(1))} ms`;
  if (duration < 1000) return `${Math.round(duration)} ms`;
  return duration < 10_000 ? `${(duration / 1000).toFixed(1)} s` : `${Math.round(duration / 1000)} s`;
}
