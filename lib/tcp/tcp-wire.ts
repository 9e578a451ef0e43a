import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { types } from 'node:util';
import { DialError } from '../core/index.js';
import { LONGEST_TIMER } from '../core/longest-timer.js';
import { LOST, RECEIVED } from '../net/socket-watch.js';
import { ByteQueue } from './byte-queue.js';
import type { SocketFeed } from './socket-feed.js';
import type { Take } from './takes.js';
import {
  EofError,
  isErrorOf,
  InvalidTcpOptionsError,
  OutOfStepError,
  TcpConnClosedError,
  TcpConnLostError,
  TcpTimeoutError,
  type Where,
} from './tcp-errors.js';
import type { Call } from './tcp-options.js';
import { Waiter } from './waiter.js';

/** How the last thing that was sent or received went: `'unknown'` as long as there was none on a reused connection. */
export type TcpConnStatus = 'unknown' | 'active' | 'error';
/** Somebody who waits for bytes. */
interface Reading {
  readonly waiter: Waiter<unknown>;
  readonly take: Take<unknown>;
  /** It waits for the answer to what it has sent. */
  readonly exchange: boolean;
}
/** Somebody who sends, but not before another connection has taken this one's place. */
interface Queued {
  readonly waiter: Waiter<void | Promise<void>>;
  /** Sends, as if it were called now. */
  readonly go: () => void;
}
/** As much of what nobody has asked for is kept; beyond that the peer has to wait. */
const UNREAD = 65_536;
/** How long a close waits for what is being written. Milliseconds. */
const FLUSH_TIMEOUT = 5000;
/** How long an ended connection is kept for what the peer still has to fetch or say. Milliseconds. */
const LINGER = 1000;
const NOTHING = Buffer.alloc(0);

/**
 * What goes on beneath a `TcpConn`: who waits for bytes, in which order, and how long; what is sent, and what becomes of it.
 * Everything that is taken from the stream is taken here, by a `Take`.
 */
export abstract class TcpWire {
  protected outcome: TcpConnStatus = 'active';
  /** What keeps the connection from being used by anybody else, if anything. */
  protected spoiled: string | undefined = undefined;
  /** Something was sent since the last byte came. */
  protected awaiting = false;
  /** Its user has begun to read. */
  protected wanted = false;
  /** Packages that were sent and not answered, as far as counting tells: each answer is one package. */
  protected unanswered = 0;
  /** Its user has received packages. */
  protected answered = false;
  /** Something came since anything was sent. */
  private owing = false;
  private leaving = false;
  private answers = true;
  /** @internal Something was sent. */
  hasSent = false;
  protected readonly queue = new ByteQueue();
  protected feed: SocketFeed | undefined = undefined;
  protected readonly reads: Reading[] = [];
  protected writes: Set<Waiter<void>> | undefined = undefined;
  /** Another connection is about to take this one's place. */
  protected replacing = false;
  /** What is to be sent behind that, in the order of the calls. */
  protected readonly queued: Queued[] = [];
  /** A send was given up before all of it was accepted: nothing that comes behind it is of use to the peer. */
  protected isCut = false;
  protected sendDeadline = Infinity;
  protected recvDeadline = Infinity;
  private paused = false;
  protected closing: Promise<void> | undefined = undefined;
  /** Its user has closed it, or its pool by force. */
  protected over = false;
  /** Why its pool has closed it, if that did. */
  private overBy: Error | undefined = undefined;
  private ended = false;
  private cause: Error | undefined = undefined;
  /** What made it unfit to be read any further. */
  protected broken: Error | undefined = undefined;

  /** @internal */
  constructor(
    protected readonly where: Where,
    protected socket: Duplex & Partial<Omit<Socket, keyof Duplex>>,
  ) {}

  /** @internal */
  [RECEIVED](chunk: Buffer): void {
    this.awaiting = false;
    this.owing = true;
    if (this.over || this.broken !== undefined) {
      // To be told at the end that something was left unread.
      this.spoiled ??= 'it holds unread data';
      return;
    }
    this.queue.push(chunk);
    if (this.reads.length > 0) this.serve();
    else if (this.queue.length > UNREAD) this.hold();
  }

  /** @internal */
  [LOST](cause: Error | undefined): void {
    this.cause ??= cause;
    if (this.ended || this.over) return;
    this.ended = true;
    this.serve();
  }

  /** @internal Gives the socket back to whoever lent it, for good. @returns what makes it unfit for others, if anything */
  release(): string | undefined {
    this.feed?.stop();
    this.shut();
    if (this.spoiled !== undefined) return this.spoiled;
    return this.queue.length > 0 ? 'it holds unread data' : undefined;
  }

  /** @internal What a handler has thrown is an error of this very connection. */
  hasFailedBy(error: unknown): boolean {
    return isErrorOf(this.where, error);
  }

  /** @internal Ends it at once, whatever is being sent. */
  destroy(): void {
    this.shut();
    this.socket.on('error', ignore).destroy();
  }

  /**
   * @internal Its server is closing, and bounds how long that takes: as soon as its user waits for the peer to speak, and
   * owes it no answer, he is told that the peer has ended.
   *
   * @param answers - the server is one that answers; of what another one has read nothing is owed
   */
  endAtRest(answers: boolean): void {
    this.leaving = true;
    this.answers = answers;
    this.leaveAtRest();
  }

  /** What the system has received already is read first. */
  private leaveAtRest(): void {
    if (!this.isAtRest) return;
    setImmediate(() => setImmediate(() => this.isAtRest && this[LOST](undefined)));
  }

  private get isAtRest(): boolean {
    return this.reads.length > 0 && this.queue.length === 0 && !(this.owing && this.answers);
  }

  /** Of a reused connection that nothing has succeeded on: it may be replaced. */
  protected get isReplaceable(): boolean {
    return false;
  }

  /** Sends on another connection in place of this one. @returns what has failed */
  protected onReplacement(_bytes: Buffer, _call: Call): Promise<unknown> {
    return Promise.resolve(undefined);
  }

  /** It is to be seen whether it was lost, or its pool has taken it back. */
  protected noticeLoss(): void {}

  /** Takes another connection in place of one that is lost. */
  protected adopt(socket: Duplex): void {
    this.socket = socket;
    this.forget();
    this.cause = undefined;
  }

  /** What the dead one had to say is no answer of the other, and what is read from now on is that one's. */
  private forget(): void {
    this.ended = this.paused = this.awaiting = this.owing = false;
    this.queue.clear();
  }

  /** @returns what has failed before a byte was accepted */
  protected put(bytes: Buffer): TcpConnLostError | undefined {
    const { socket } = this;
    if (!socket.writable) return this.lost();
    if (bytes.length === 0) return undefined;
    socket.write(bytes);
    // What the system refuses at once it has taken nothing of.
    if (socket.errored !== null && socket.errored !== undefined) return this.lost(socket.errored);
    this.awaiting = this.hasSent = true;
    this.owing = false;
    return undefined;
  }

  /** No call is served any more. @param cause - what those that wait are told, if it was not their user */
  protected shut(cause?: Error): void {
    if (this.over) return;
    this.over = true;
    this.overBy = cause;
    if (this.reads.length > 0) this.spoiled ??= 'somebody was still reading it';
    this.failReads(() => this.closedError());
    for (const { waiter } of this.queued.splice(0)) waiter.fail(this.closedError());
  }

  /** Somebody waits for bytes. */
  protected get isRead(): boolean {
    return this.reads.length > 0;
  }

  /** Something that was sent has not been accepted yet. */
  protected get isWriting(): boolean {
    return this.writes !== undefined && this.writes.size > 0;
  }

  /** For a call that sends, in whole milliseconds from 1; `undefined` = for ever. */
  protected timeLeft({ deadline }: Call): number | undefined {
    const until = Math.min(deadline, this.sendDeadline);
    return until === Infinity ? undefined : Math.max(1, Math.ceil(until - performance.now()));
  }

  /** What was sent is on its way, or will never be. Waits, but not for ever. @returns whether it is */
  protected async flushed(): Promise<boolean> {
    const { socket } = this;
    if (socket.destroyed) return false;
    if (socket.writableLength === 0) return true;
    return new Promise((resolve) => {
      const limit = setTimeout(() => resolve(false), FLUSH_TIMEOUT);
      socket.write('', (error) => {
        clearTimeout(limit);
        resolve(error === null || error === undefined);
      });
    });
  }

  protected async finish(): Promise<void> {
    const { socket } = this;
    this.shut();
    socket.on('error', ignore);
    if (this.isCut) socket.destroy();
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => this.leaving || socket.destroy(), FLUSH_TIMEOUT);
      const done = (): void => {
        clearTimeout(limit);
        resolve();
      };
      socket.once('close', done);
      if (socket.writableFinished) done();
      else socket.once('finish', done).end();
    });
    linger(socket);
  }

  protected exchange(bytes: Buffer, take: Take<Buffer>, call: Call): Promise<Buffer> {
    const writing = this.write(bytes, call, true);
    if (writing === undefined) return this.read(take, call, true);
    const { socket } = this;
    const isAllPut = !socket.writable || socket.writableLength === 0;
    // What is read already cannot be sent again to another connection.
    if (!this.replacing && (isAllPut || call.retry?.resend === true))
      return writing.then(() => this.read(take, call, true));
    // The peer may have to get rid of its answer before it takes all of the question; and reads keep their order.
    const reading = this.read(take, call, true);
    writing.catch((error: unknown) => this.withdraw(take, error));
    return Promise.all([writing, reading]).then(([, answer]) => answer);
  }

  private withdraw(take: Take<unknown>, reason: unknown): void {
    const reading = this.reads.find((each) => each.take === take);
    if (reading === undefined) return;
    if (!this.ended) return this.giveUp(reading, reason);
    // Nothing was sent, and nothing will come.
    this.reads.splice(this.reads.indexOf(reading), 1);
    this.dismiss(reading, reason);
  }

  protected isReadable({ signal }: Call): boolean {
    return this.reads.length === 0 && !this.over && this.broken === undefined && signal?.aborted !== true;
  }

  /** What is there already. */
  protected taken<R>(take: Take<R>): R | undefined {
    let taken: R | undefined;
    try {
      taken = take.take(this.ended);
    } catch (error) {
      this.breakOff(error as Error);
      throw error;
    }
    if (taken === undefined) return undefined;
    this.succeeded();
    this.count(take, taken);
    return taken;
  }

  private count<R>(take: Take<R>, taken: R): void {
    const packages = take.packagesIn?.(taken);
    if (packages === undefined) return;
    this.answered = true;
    this.unanswered = Math.max(0, this.unanswered - packages);
  }

  /** Something was taken that was there. */
  protected succeeded(): void {
    this.wanted = true;
    this.outcome = 'active';
    if (this.paused) this.flow();
  }

  protected read<R>(take: Take<R>, call: Call, exchange = false): Promise<R> {
    if (this.isReadable(call)) {
      const taken = this.taken(take);
      if (taken !== undefined) return Promise.resolve(taken);
    }
    if (this.over) return Promise.reject(this.closedError());
    if (call.signal?.aborted === true) return Promise.reject(call.signal.reason);
    if (this.broken !== undefined) return Promise.reject(this.broken);
    this.wanted = true;
    if (this.ended) return Promise.reject(this.failed(this.endOf(take)));
    return new Promise<R>((resolve, reject) => {
      const waiter = new Waiter<R>(
        call,
        resolve,
        reject,
        () => this.expire(reading),
        (reason) => this.giveUp(reading, reason),
      );
      const reading = { waiter: waiter as Waiter<unknown>, take, exchange };
      this.reads.push(reading);
      waiter.heed(this.recvDeadline);
      if (this.paused) this.flow();
      if (this.leaving) this.leaveAtRest();
    });
  }

  /** Gives what has come to those who wait for it. */
  protected serve(): void {
    const { reads } = this;
    while (reads.length > 0) {
      const { take, waiter } = reads[0] as Reading;
      let taken: unknown;
      try {
        taken = take.take(this.ended);
      } catch (error) {
        return this.breakOff(error as Error);
      }
      if (taken === undefined) break;
      reads.shift();
      this.outcome = 'active';
      this.count(take, taken);
      waiter.done(taken);
    }
    if (this.ended) this.failReads((take) => this.failed(this.endOf(take)));
    else if (this.paused) this.flow();
    else if (this.queue.length > UNREAD) this.hold();
  }

  /** The peer must wait once more has come than anybody has asked for. */
  private hold(): void {
    const wanted = this.reads[0]?.take.wanted ?? 0;
    if (this.queue.length < wanted) return;
    this.paused = true;
    this.socket.pause();
  }

  private flow(): void {
    const { length } = this.queue;
    if (length > UNREAD && length >= (this.reads[0]?.take.wanted ?? 0)) return;
    this.paused = false;
    this.socket.resume();
  }

  private expire(reading: Reading): void {
    const isNext = this.reads[0] === reading;
    const data = isNext ? reading.take.partial() : NOTHING;
    this.giveUp(reading, new TcpTimeoutError(this.where, 'receive', data));
  }

  private giveUp(reading: Reading, reason: unknown): void {
    const { reads } = this;
    const at = reads.indexOf(reading);
    if (at < 0) return;
    reads.splice(at, 1);
    this.outcome = 'error';
    this.spoiled ??= 'an answer was still awaited';
    this.dismiss(reading, reason);
    // Its answer would be taken for that of those behind it.
    if (reading.exchange) {
      const behind = reads.splice(at).filter((each) => {
        if (each.exchange) this.dismiss(each, new OutOfStepError(this.where));
        return !each.exchange;
      });
      reads.push(...behind);
    }
    this.serve();
  }

  private dismiss({ waiter, take }: Reading, reason: unknown): void {
    take.stop?.();
    waiter.fail(reason);
  }

  private failReads(reasonFor: (take: Take<unknown>) => unknown): void {
    for (const reading of this.reads.splice(0)) this.dismiss(reading, reasonFor(reading.take));
  }

  /** Where the next thing begins is not known any more. */
  private breakOff(error: Error): void {
    this.broken = error;
    this.outcome = 'error';
    this.spoiled ??= error.message;
    this.queue.clear();
    this.paused = true;
    this.socket.pause();
    this.failReads(() => error);
  }

  private endOf(take: Take<unknown>): Error {
    const { begun } = take;
    const data = begun ? take.partial() : NOTHING;
    this.queue.clear();
    if (this.cause !== undefined) return new TcpConnLostError(this.where, this.cause, data);
    return new EofError(this.where, data, begun);
  }

  private failed<E>(error: E): E {
    this.outcome = 'error';
    return error;
  }

  private closedError(): TcpConnClosedError {
    return new TcpConnClosedError(this.where, this.overBy && { cause: this.overBy });
  }

  private lost(cause = this.cause): TcpConnLostError {
    const broken = cause ?? Object.assign(new Error('the peer has ended it'), { code: 'EPIPE' });
    return new TcpConnLostError(this.where, broken);
  }

  /** @returns nothing when all was accepted at once */
  protected write(bytes: Buffer, call: Call, isQuestion = false): Promise<void> | undefined {
    if (this.over) return Promise.reject(this.closedError());
    if (call.signal?.aborted === true) return Promise.reject(call.signal.reason);
    const deadline = Math.min(this.sendDeadline, call.deadline);
    if (deadline !== Infinity && performance.now() >= deadline) {
      return Promise.reject(this.failed(new TcpTimeoutError(this.where, 'send')));
    }
    if (this.replacing) return this.queueUp(bytes, call);
    // What has come before the first question was asked is somebody else's answer.
    const isStale = isQuestion && this.queue.length > 0 && this.isReplaceable;
    const failure = isStale ? this.lost() : this.put(bytes);
    if (failure !== undefined) return this.putAgain(bytes, call, failure);
    if (this.socket.writableLength > 0) return this.accepted(bytes, call);
    this.outcome = 'active';
    return undefined;
  }

  /** Sends when another connection has taken this one's place, or none has. */
  private queueUp(bytes: Buffer, call: Call): Promise<void> {
    const { queued } = this;
    return new Promise<void>((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        queued.splice(queued.indexOf(each), 1);
        waiter.fail(this.failed(reason));
      };
      const expire = (): void => giveUp(new TcpTimeoutError(this.where, 'send'));
      const waiter = new Waiter<void | Promise<void>>(call, resolve, reject, expire, giveUp);
      const each = { waiter, go: () => waiter.done(this.write(bytes, call)) };
      queued.push(each);
      waiter.heed(this.sendDeadline);
    });
  }

  /** Waits until the system has taken all that was written. */
  private accepted(bytes: Buffer, call: Call): Promise<void> {
    const { socket } = this;
    const writes = (this.writes ??= new Set());
    return new Promise<void>((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        writes.delete(waiter);
        this.isCut = true;
        this.spoiled ??= 'not all was sent';
        waiter.fail(this.failed(reason));
      };
      const expire = (): void => giveUp(new TcpTimeoutError(this.where, 'send'));
      const waiter = new Waiter<void | Promise<void>>(call, resolve, reject, expire, giveUp);
      writes.add(waiter as Waiter<void>);
      waiter.heed(this.sendDeadline);
      socket.write('', (error) => {
        if (!writes.delete(waiter as Waiter<void>)) return;
        const broken = error ?? socket.errored;
        if (broken === null || broken === undefined) {
          this.outcome = 'active';
          return waiter.done();
        }
        this.noticeLoss();
        if (this.overBy !== undefined) return waiter.fail(this.closedError());
        const failure = this.lost(this.cause ?? broken);
        // How much was accepted nobody knows.
        if (call.retry?.resend === true) waiter.done(this.putAgain(bytes, call, failure));
        else waiter.fail(this.failed(failure));
      });
    });
  }

  /** Nothing, or by its caller's leave not all, was accepted: tries as often as the budget allows. */
  private async putAgain(bytes: Buffer, call: Call, first: unknown): Promise<void> {
    if (this.replacing) return this.queueUp(bytes, call);
    this.replacing = this.isReplaceable;
    if (this.replacing) this.forget();
    try {
      let failure = this.replacing ? await this.onReplacement(bytes, call) : first;
      for (let left = call.retry?.count ?? 0; failure !== undefined; left -= 1) {
        if (left === 0 || !this.mayMend(failure)) throw this.failed(failure) as Error;
        await this.pause(call);
        failure = this.isReplaceable ? await this.onReplacement(bytes, call) : this.put(bytes);
      }
    } catch (error) {
      if (this.replacing) this.remainLost();
      throw error;
    }
    const accepted = this.socket.writableLength > 0 ? this.accepted(bytes, call) : undefined;
    if (accepted === undefined) this.outcome = 'active';
    this.goOn();
    await accepted;
  }

  /** No other one has taken its place. What was to be sent by that tells so by itself, and so do exchanges. */
  private remainLost(): void {
    this.ended = true;
    for (const reading of this.reads.filter(({ exchange }) => !exchange)) {
      this.reads.splice(this.reads.indexOf(reading), 1);
      this.dismiss(reading, this.failed(this.endOf(reading.take)));
    }
    this.goOn();
  }

  /** Whoever was to wait sends now; if another one is wanted yet, those behind him wait again. */
  private goOn(): void {
    this.replacing = false;
    for (const { go } of this.queued.splice(0)) go();
  }

  private mayMend(failure: unknown): boolean {
    if (failure instanceof DialError) return !failure.permanent;
    // An orderly end stays one.
    return failure instanceof TcpConnLostError && this.cause !== undefined;
  }

  /** Before the next attempt. */
  private async pause({ retry, signal, deadline }: Call): Promise<void> {
    const until = Math.min(deadline, this.sendDeadline);
    const interval = retry?.interval ?? 0;
    const left = until - performance.now();
    try {
      await delay(Math.max(0, Math.min(interval, left, LONGEST_TIMER)), undefined, { signal });
    } catch {
      this.outcome = 'error';
      throw signal?.reason as unknown;
    }
    if (this.over) throw this.closedError();
    if (left <= interval) throw this.failed(new TcpTimeoutError(this.where, 'send'));
  }

  protected instant(what: string, at: Date | number | null): number {
    if (at === null) return Infinity;
    const when = types.isDate(at) ? at.getTime() : at;
    if (typeof when !== 'number' || Number.isNaN(when)) {
      const problem = { path: what, given: at, allowed: 'a Date, milliseconds since 1970, or null' };
      throw new InvalidTcpOptionsError(what, this.where, [problem]);
    }
    return performance.now() + when - Date.now();
  }
}

/**
 * To close a socket that holds unread bytes, or gets some, makes the system forget what the peer has not fetched yet: so
 * these are read, and thrown away, until the peer has ended as well. Waits, but not for long.
 */
function linger(socket: Duplex): void {
  if (socket.destroyed) return;
  const end = (): void => void socket.destroy();
  if (socket.readableEnded) return end();
  const limit = setTimeout(end, LINGER);
  socket
    .once('end', end)
    .once('close', () => clearTimeout(limit))
    .resume();
}

function ignore(): void {}
