import type { LoggerService } from '@nestjs/common';
import type {
  ClosedEvent,
  CloseFailedEvent,
  DialFailedEvent,
  ExhaustedEvent,
  HeartbeatFailedEvent,
  LeakEvent,
  LeakReturnedEvent,
  LostEvent,
  ManagedPool,
  PoolClock,
  PoolEvent,
  RecoveredEvent,
  ResetFailedEvent,
  StartedEvent,
  TimeoutEvent,
} from '../core/index.js';
import { keyText } from '../core/error-text.js';
import { causeText } from './cause-text.js';
import { counted } from './counted.js';
import { Tally } from './tally.js';

/** Connections that die by themselves seldom die alone; a dead server is one line. Milliseconds. */
const GATHER_LOSSES = 100;

const LOOK_AT_HOLDERS = 'Look at how long leases are held ("leakThreshold" shows where), then at "max".';

type LossEvent = LostEvent | HeartbeatFailedEvent | ResetFailedEvent;

/**
 * Writes what happens in one pool, a line each: its start, failing dials, recovery, loss of connections, exhaustion,
 * acquires that timed out, closes that failed, leaks, its end. What may come often is told at most once a second. What is not
 * well says what to look at next. Never shows a connection, an option or a payload.
 */
export class PoolLog {
  private readonly failures: Tally<DialFailedEvent>;
  private readonly recoveries: Tally<RecoveredEvent>;
  private readonly losses: Tally<LossEvent>;
  private readonly refusals: Tally<ExhaustedEvent>;
  private readonly timeouts: Tally<TimeoutEvent>;
  private readonly badCloses: Tally<CloseFailedEvent>;
  private readonly subject: string;

  /**
   * @param name - what the pool is registered as
   * @param clock - what "once a second" is measured on
   */
  constructor(
    name: string,
    private readonly pool: Pick<ManagedPool, 'stats'>,
    private readonly logger: Pick<LoggerService, 'log' | 'warn'>,
    clock: PoolClock,
  ) {
    this.subject = `Pool "${name}"`;
    this.failures = new Tally(clock, (count, event) => this.tellFailure(count, event));
    this.recoveries = new Tally(clock, (_count, event) => this.tellRecovery(event));
    this.losses = new Tally(clock, (count, event) => this.tellLoss(count, event), GATHER_LOSSES);
    this.refusals = new Tally(clock, (count, event) => this.tellExhaustion(count, event));
    this.timeouts = new Tally(clock, (count, event) => this.tellTimeout(count, event));
    this.badCloses = new Tally(clock, (count, event) => this.tellBadClose(count, event));
  }

  /** For the pool's `events$`. */
  note(event: PoolEvent): void {
    switch (event.type) {
      case 'started':
        return this.tellStart(event);
      case 'dial-failed':
        this.losses.hasten();
        // It has not lasted: who reads the log need not know of it.
        this.recoveries.forget();
        return this.failures.add(event);
      case 'recovered':
        // What was lost before is told before.
        this.losses.hasten();
        return this.recoveries.add(event);
      case 'lost':
      case 'heartbeat-failed':
      case 'reset-failed':
        return this.losses.add(event);
      case 'exhausted':
        return this.refusals.add(event);
      case 'timeout':
        return this.timeouts.add(event);
      case 'close-failed':
        return this.badCloses.add(event);
      case 'leak':
        return this.tellLeak(event);
      case 'leak-returned':
        return this.tellReturn(event);
      case 'closed':
        return this.tellEnd(event);
    }
  }

  private tellStart({ ready }: StartedEvent): void {
    const { max, min } = this.pool.stats();
    const limit = max > 0 ? `of at most ${max} ` : '';
    const next = ready < min ? ` The other ${min - ready} of "min" are being dialled.` : '';
    this.logger.log(`${this.subject} started: ${ready} ${limit}connections ready.${next}`);
  }

  private tellFailure(count: number, { attempt, cause, permanent, retryInMs, key }: DialFailedEvent): void {
    const what =
      count === 1
        ? `dial attempt ${attempt} failed`
        : `${count} dials failed, the last at attempt ${attempt}`;
    const kind = permanent ? ' (permanent error)' : '';
    const next = `next dial in ${Math.round(retryInMs)} ms at the earliest`;
    const look = permanent
      ? 'Look at the credentials, the certificate and the name: to dial again will not mend it.'
      : 'Look at the peer: its address, whether it runs, what it logs.';
    this.logger.warn(`${this.subject}${of(key)}: ${what}${kind}${because(cause)}; ${next}. ${look}`);
  }

  private tellRecovery({ failures, downMs, key }: RecoveredEvent): void {
    // From here on a failure begins another story and is told at once.
    this.failures.restart();
    const failed = failures === 1 ? 'a failed dial' : `${failures} failed dials`;
    this.logger.log(`${this.subject}${of(key)} recovered after ${failed} in ${Math.round(downMs)} ms.`);
  }

  private tellLoss(count: number, { cause, key }: LossEvent): void {
    const lost = count === 1 ? 'a connection' : `${count} connections`;
    this.logger.warn(
      `${this.subject}${of(key)} lost ${lost}${because(cause)}. Look at what ends them: the peer, or a limit between here and there that is shorter than "idleTimeout" or "maxLifetime".`,
    );
  }

  private tellExhaustion(count: number, { leased, waiting, key }: ExhaustedEvent): void {
    const refused = count === 1 ? 'an acquire was' : `${count} acquires were`;
    this.logger.warn(
      `${this.subject}${of(key)} is exhausted: ${refused} refused (leased ${leased}, waiting ${waiting}). ${LOOK_AT_HOLDERS}`,
    );
  }

  private tellLeak({ id, heldMs, stack, key }: LeakEvent): void {
    const held = `connection ${id} has been held for ${Math.round(heldMs)} ms`;
    this.logger.warn(
      `${this.subject}${of(key)} may leak: ${held}. Look at whether every way out gives it back. It was acquired here:\n${stack}`,
    );
  }

  private tellReturn({ id, heldMs, key }: LeakReturnedEvent): void {
    this.logger.log(
      `${this.subject}${of(key)}: connection ${id} came back after ${Math.round(heldMs)} ms; it was slow, not leaked.`,
    );
  }

  private tellTimeout(count: number, { error, key }: TimeoutEvent): void {
    const acquires = count === 1 ? 'an acquire' : `${count} acquires`;
    const { idle, leased, waiting } = this.pool.stats();
    const counts = `idle ${idle}, leased ${leased}, waiting ${waiting}`;
    const look = error.cause === undefined ? LOOK_AT_HOLDERS : 'Look at the failed dials above.';
    this.logger.warn(
      `${this.subject}${of(key)}: ${acquires} timed out (${counts})${because(error.cause)}. ${look}`,
    );
  }

  private tellBadClose(count: number, { cause, key }: CloseFailedEvent): void {
    const closes = count === 1 ? 'a connection' : `${count} connections`;
    this.logger.warn(
      `${this.subject}${of(key)} could not close ${closes} properly${because(cause)}. Look at the connector's close().`,
    );
  }

  private tellEnd({ report: { closed, forced, failed, durationMs } }: ClosedEvent): void {
    this.losses.finish();
    this.refusals.finish();
    this.timeouts.finish();
    this.badCloses.finish();
    this.failures.finish();
    this.recoveries.restart();
    const badly = failed === 0 ? '' : `, ${failed} with an error`;
    const line = `${this.subject} closed in ${Math.round(durationMs)} ms: ${counted(closed, 'connection')}, ${forced} by force${badly}.`;
    if (forced > 0)
      this.logger.warn(
        `${line} Look at what was still using them: it needed more than "drain", or has leaked.`,
      );
    else this.logger.log(line);
  }
}

/** Of a pool by keys: which key; where several are told of in one line, the last. */
function of(key: unknown): string {
  return key === undefined ? '' : ` (${keyText(key)})`;
}

function because(cause: unknown): string {
  const text = causeText(cause);
  return text === '' ? '' : `: ${text.replace(/\.$/, '')}`;
}
