import { channel } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { Connector, PoolEvent } from 'nestjs-conn-pool/core';
import type { CountingClock } from './counting-clock.js';

/** One attempt, its first heartbeat included. */
interface Dial {
  readonly startedAt: number;
  /** `Infinity` while it lasts. */
  endedAt: number;
}

/**
 * Stands between a pool and a connector and writes down, independently of the pool, what is dialled when, what has died,
 * and what is lent.
 */
export class Witness<T> {
  readonly dials: Dial[] = [];
  /** At the same time: dials, and sockets that were not destroyed. */
  mostDialing = 0;
  mostOpen = 0;
  /** By how many milliseconds dials began before the pool itself had said they would. */
  readonly tooEarly: number[] = [];
  readonly sockets: Socket[] = [];
  private readonly signals: AbortSignal[] = [];
  private readonly bornWith = new Map<Socket, number>();
  private readonly socketOf = new Map<T, Socket>();
  private readonly unborn = new Map<T, Dial>();
  private dialing = 0;
  private notBefore = -Infinity;
  private step = 0;
  private readonly died = new Map<T, number>();
  private readonly offered = new Map<T, number>();

  constructor(private readonly clock: CountingClock) {}

  /** For the pool's `events$`. */
  note(event: PoolEvent): void {
    if (event.type === 'dial-failed') this.notBefore = this.clock.told + event.retryInMs;
  }

  /** Whether this one, which was just lent, was offered after the pool had been told of its death. */
  wasKnownDead(conn: T): boolean {
    const died = this.died.get(conn);
    return died !== undefined && died < (this.offered.get(conn) ?? Infinity);
  }

  /** The longest time between two moments in which nothing was being dialled. */
  longestPause(from: number, to: number): number {
    let longest = 0;
    let free = from;
    for (const { startedAt, endedAt } of this.dials) {
      if (endedAt < from || startedAt > to) continue;
      longest = Math.max(longest, startedAt - free);
      free = Math.max(free, endedAt);
    }
    return Math.max(longest, to - free);
  }

  /** How many listeners have been added for good to sockets that are still open, and to signals of the pool. */
  listenersLeft(): number {
    let left = 0;
    for (const [socket, count] of this.bornWith) if (!socket.destroyed) left += listeners(socket) - count;
    for (const signal of this.signals) left += getEventListeners(signal, 'abort').length;
    return left;
  }

  watch(inner: Connector<T>): Connector<T> {
    const { heartbeat } = inner;
    return {
      ...inner,
      dial: async (context) => {
        const dial = this.begin();
        const { signal } = context;
        // An abort ends it there and then, whatever the promise does.
        const aborted = (): void => this.end(dial);
        signal.addEventListener('abort', aborted);
        this.signals.push(signal);
        try {
          const [conn, socket] = await this.captureSocket(() => inner.dial(context));
          if (socket !== undefined) this.socketOf.set(conn, socket);
          this.unborn.set(conn, dial);
          if (heartbeat === undefined) this.born(conn);
          return conn;
        } catch (error) {
          this.end(dial);
          throw error;
        } finally {
          signal.removeEventListener('abort', aborted);
        }
      },
      ...(heartbeat && {
        heartbeat: async (conn, context) => {
          const { signal } = context;
          const dial = this.unborn.get(conn);
          const aborted = (): void => this.end(dial);
          signal.addEventListener('abort', aborted);
          this.signals.push(signal);
          try {
            await heartbeat.call(inner, conn, context);
            this.born(conn);
          } finally {
            this.end(dial);
            this.unborn.delete(conn);
            signal.removeEventListener('abort', aborted);
          }
        },
      }),
      isAlive: (conn) => {
        this.offered.set(conn, (this.step += 1));
        return inner.isAlive?.(conn) ?? true;
      },
      watch: (conn, lost) => {
        const unwatch = inner.watch?.(conn, (cause) => {
          if (!this.died.has(conn)) this.died.set(conn, (this.step += 1));
          lost(cause);
        });
        const socket = this.socketOf.get(conn);
        if (socket !== undefined) this.bornWith.set(socket, listeners(socket));
        return unwatch;
      },
      close: (conn, context) => {
        this.end(this.unborn.get(conn));
        return inner.close(conn, context);
      },
    };
  }

  private begin(): Dial {
    const wait = this.notBefore - this.clock.told;
    if (wait > 1e-6) this.tooEarly.push(wait);
    const dial = { startedAt: performance.now(), endedAt: Infinity };
    this.dials.push(dial);
    this.dialing += 1;
    queueMicrotask(() => this.count());
    return dial;
  }

  /** It has succeeded, and the pool may dial again as it likes. */
  private born(conn: T): void {
    const dial = this.unborn.get(conn);
    if (dial === undefined) return;
    this.unborn.delete(conn);
    this.end(dial);
    this.notBefore = -Infinity;
  }

  /** Once the step that has begun a dial is over: it may have begun it before it aborts the one that had its place. */
  private count(): void {
    this.mostDialing = Math.max(this.mostDialing, this.dialing);
    this.mostOpen = Math.max(this.mostOpen, this.sockets.filter(({ destroyed }) => !destroyed).length);
  }

  private end(dial: Dial | undefined): void {
    if (dial === undefined || dial.endedAt !== Infinity) return;
    dial.endedAt = performance.now();
    this.dialing -= 1;
  }

  private async captureSocket(dial: () => T | Promise<T>): Promise<[T, Socket | undefined]> {
    const made: Socket[] = [];
    const collect = (message: unknown): void => void made.push((message as { socket: Socket }).socket);
    // Connectors make their socket at once, so that what is made during the call is theirs.
    channel('net.client.socket').subscribe(collect);
    let conn: T | Promise<T>;
    try {
      conn = dial();
    } finally {
      channel('net.client.socket').unsubscribe(collect);
    }
    this.sockets.push(...made);
    return [await conn, made[0]];
  }
}

function listeners(socket: Socket): number {
  return socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0);
}
