import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers';
import { SocketWatch } from './socket-watch.js';

/** What to do with bytes that arrive while nobody has the connection. */
export type IdleData = 'destroy' | 'discard' | 'keep';

/** So long, in milliseconds, a connection that nobody has may still hold the process up. */
const HELD_ON = 20;

export type Listener = (...args: unknown[]) => void;

/** The watches of one pool, by their sockets. They share their listeners: a connection at rest must not hold functions of its own. */
export class SocketWatches {
  readonly onData: Listener;
  readonly onParked: Listener;
  /** What every watch listens to. */
  readonly own: readonly (readonly [event: string, Listener])[];
  private readonly all = new WeakMap<Duplex, SocketWatch>();
  private latest: Listeners | undefined = undefined;
  private toLetGo: SocketWatch[] = [];
  private readonly context = new AsyncResource('SocketWatches');

  constructor(readonly idleData: IdleData) {
    // Each a function of its own: one for all would have to find out, at every event, what to do.
    const { all } = this;
    function onNewListener(this: Duplex, name: string | symbol, added: Listener): void {
      all.get(this)?.newListener(name, added);
    }
    function onData(this: Duplex, chunk: Buffer): void {
      all.get(this)?.data(chunk);
    }
    function onParked(this: Duplex): void {
      all.get(this)?.readable();
    }
    function onError(this: Duplex, error: Error): void {
      all.get(this)?.error(error);
    }
    function onEnd(this: Duplex): void {
      all.get(this)?.end();
    }
    this.onData = onData as Listener;
    this.onParked = onParked;
    this.own = [
      ['newListener', onNewListener as Listener],
      ['error', onError as Listener],
      ['end', onEnd],
      ['close', onEnd],
      ['data', this.onData],
    ];
  }

  /** @param tell - told when the connection is lost, or unfit to be lent again */
  watch(socket: Duplex, tell: (cause?: unknown) => void): SocketWatch {
    const watch = new SocketWatch(socket, this, tell);
    this.all.set(socket, watch);
    return watch;
  }

  unwatch(socket: Duplex): void {
    this.of(socket)?.stop();
    this.all.delete(socket);
  }

  of(socket: Duplex): SocketWatch | undefined {
    return this.all.get(socket);
  }

  /** Nobody has it: it lets the process go, unless somebody has it again by then. For most somebody has, and is spared two calls. */
  letGoSoon(watch: SocketWatch): void {
    if (this.toLetGo.push(watch) > 1) return;
    this.context.runInAsyncScope(() => setTimeout(() => this.letGo(), HELD_ON).unref());
  }

  private letGo(): void {
    const { toLetGo } = this;
    this.toLetGo = [];
    for (const each of toLetGo) each.letGo();
  }

  isOwn(listener: unknown): boolean {
    return listener === this.onParked || this.own.some(([, own]) => own === listener);
  }

  /** What is on a socket now. Most have the same: Node's own. */
  listenersOf(socket: Duplex): Listeners {
    const found = new Listeners(
      socket,
      this.own.map(([name]) => name),
    );
    if (this.latest?.equals(found) !== true) this.latest = found;
    return this.latest as Listeners;
  }
}

/** What was on a socket before it was watched. */
export class Listeners {
  /** How many there are of each watched event, the watch's own included. */
  private readonly counts: readonly number[];
  private readonly names: (string | symbol)[] = [];
  private readonly functions: Listener[] = [];

  constructor(
    socket: Duplex,
    private readonly watched: readonly string[],
  ) {
    for (const name of socket.eventNames()) {
      for (const listener of socket.rawListeners(name)) {
        this.names.push(name);
        this.functions.push(listener as Listener);
      }
    }
    this.counts = watched.map((name) => socket.listenerCount(name) + 1);
  }

  /** There is none more and none less than these and the watch's own. */
  areAllOf(socket: Duplex): boolean {
    const { watched, counts } = this;
    for (let at = 0; at < watched.length; at += 1) {
      if (socket.listenerCount(watched[at] as string) !== counts[at]) return false;
    }
    return true;
  }

  has(name: string | symbol, listener: Listener): boolean {
    return this.functions.some((each, at) => each === listener && this.names[at] === name);
  }

  equals({ names, functions }: Listeners): boolean {
    return (
      functions.length === this.functions.length &&
      functions.every((each, at) => each === this.functions[at] && names[at] === this.names[at])
    );
  }
}
