import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Borrowing } from './borrowing.js';
import type { Listener, Listeners, SocketWatches } from './socket-watches.js';
import { undecoded } from './unread-text.js';

/** For the pool alone: what a reader is told. */
export const RECEIVED = Symbol('received');
export const LOST = Symbol('lost');

/** Whoever reads a connection through the pool. */
export interface Reader {
  [RECEIVED](chunk: Buffer): void;
  /** The peer has ended its side, or the connection is gone. */
  [LOST](cause: Error | undefined): void;
}

/** What Node's sockets have and other streams may not. */
type MaybeSocket = Duplex &
  Partial<Pick<Socket, 'ref' | 'unref' | 'setTimeout' | 'timeout' | 'bytesRead' | 'bytesWritten'>>;

/**
 * The pool's eyes on one connection, from its dial to its end. It reads all the time: while the connection is idle it
 * sees bytes and the peer's end at once; while a `PooledSocket` has it, what comes goes there; while somebody has the
 * socket raw, it is the first of his listeners, and keeps for him what comes before he has one of his own.
 */
export class SocketWatch {
  private reader: Reader | undefined = undefined;
  private borrowing: Borrowing | undefined = undefined;
  /** What came is back in the socket's buffer, and the watch reads no more until it is lent or taken back. */
  private parked = false;
  private cause: Error | undefined = undefined;
  /** It holds the process up, as far as the watch knows: of one that is lent raw its borrower decides. */
  private holds = false;
  /** It is about to let the process go. */
  private isListed = false;
  private readonly before: Listeners;
  /** Whether it stays open for writing when the peer has ended its side. */
  private readonly allowsHalfOpen: boolean;

  /** @internal Made by `SocketWatches`. */
  constructor(
    private readonly socket: MaybeSocket,
    private readonly all: SocketWatches,
    private readonly tell: (cause?: unknown) => void,
  ) {
    this.before = all.listenersOf(socket);
    this.allowsHalfOpen = socket.allowHalfOpen;
    for (const [name, listener] of all.own) socket.on(name, listener);
    socket.unref?.();
  }

  /** Leaves no trace: the socket is not the pool's any more, and what comes next waits to be read. */
  stop(): void {
    const { socket } = this;
    for (const [name, listener] of this.all.own) socket.off(name, listener);
    if (this.parked) socket.off('readable', this.all.onParked);
    else holdStill(socket);
    if (this.reader !== undefined) socket.allowHalfOpen = this.allowsHalfOpen;
    socket.ref?.();
    this.reader?.[LOST](undefined);
  }

  /**
   * A `PooledSocket` has it from now on.
   *
   * @param ends - it is the reader who ends it when the peer has ended its side, once he has written what he has to
   */
  lendTo(reader: Reader, ends = false): void {
    this.reader = reader;
    if (ends) this.socket.allowHalfOpen = true;
    this.unpark();
    this.hold();
  }

  /**
   * Somebody has the socket itself from now on, and reads it as he likes.
   *
   * @param borrowing - what remembers what he does with it
   * @param holds - whether the process must stay up for it
   */
  lendRaw(borrowing: Borrowing, holds: boolean): void {
    const { socket } = this;
    borrowing.begin(writtenTo(socket));
    this.borrowing = borrowing;
    if (this.parked) socket.off('readable', this.all.onParked);
    if (holds) this.hold();
    else if (this.isListed) socket.unref?.();
    this.holds = false;
  }

  private hold(): void {
    if (this.holds) return;
    this.holds = true;
    this.socket.ref?.();
  }

  /** @internal Nobody has had it for a while, unless somebody has it again. */
  letGo(): void {
    this.isListed = false;
    const isHad = this.reader !== undefined || this.borrowing !== undefined;
    if (isHad || this.all.of(this.socket) !== this) return;
    this.holds = false;
    try {
      this.socket.unref?.();
    } catch (error) {
      // A stream of a user's dialer may do anything.
      this.tell(error);
    }
  }

  /**
   * Nobody has it any more: what its borrower has left on it goes.
   *
   * @param atOnce - it lets the process go at once, as nobody is about to have it again
   * @returns what makes it unfit for the next, if anything
   */
  takeBack(atOnce = false): string | undefined {
    const { socket, borrowing } = this;
    const awaited = borrowing?.wanted === true && borrowing.isAwaiting(writtenTo(socket));
    const isCut = socket.readableEncoding !== null && undecoded(socket).length > 0;
    this.reader = undefined;
    socket.allowHalfOpen = this.allowsHalfOpen;
    if (borrowing !== undefined) {
      this.borrowing = undefined;
      this.removeAdded(borrowing);
      socket.unpipe();
      if (socket.readableEncoding !== null) clearEncoding(socket);
      if (defaultEncodingOf(socket) !== 'utf8') socket.setDefaultEncoding('utf8');
      while (socket.writableCorked > 0) socket.uncork();
    }
    if (socket.timeout !== undefined && socket.timeout > 0) socket.setTimeout?.(0);
    const unfit = awaited ? 'an answer was still awaited' : isCut ? 'it holds unread data' : this.unfitness();
    if (unfit !== undefined) return unfit;
    if (this.all.idleData !== 'keep' || socket.readableLength === 0) {
      this.unpark();
      if (socket.readableFlowing !== true) socket.resume();
    }
    if (atOnce) socket.unref?.();
    else if (!this.isListed) {
      this.isListed = true;
      this.all.letGoSoon(this);
    }
    return undefined;
  }

  /** What keeps the connection from being lent, if anything. */
  unfitness(): string | undefined {
    const { socket } = this;
    if (socket.destroyed) return 'it is closed';
    const isAtRest = socket.readableLength === 0 && socket.readableEncoding === null;
    if (isAtRest && socket.readable && socket.writable) return undefined;
    if (!socket.readable || hasEndBehindBytes(socket)) return 'the peer has ended it';
    if (!socket.writable) return 'its writing side was ended';
    if (socket.readableLength > 0 && this.all.idleData !== 'keep') return 'it holds unread data';
    if (socket.readableEncoding !== null) return 'its encoding was set';
    return undefined;
  }

  /** The borrower of the raw socket reads it. */
  private hasListeners(): boolean {
    return this.socket.listenerCount('data') > 1 || this.socket.listenerCount('readable') > 0;
  }

  private removeAdded(borrowing: Borrowing): void {
    const { socket, before } = this;
    borrowing.removeAddedFrom(socket);
    if (borrowing.addedMany || !before.areAllOf(socket)) this.sweep();
  }

  /** Puts the socket's listeners back as they were, whatever a borrower has added and removed. */
  private sweep(): void {
    const { socket, all, before } = this;
    for (const name of socket.eventNames()) {
      for (const listener of socket.rawListeners(name)) {
        const plain: unknown = (listener as { listener?: unknown }).listener ?? listener;
        const stays = before.has(name, listener as Listener) || all.isOwn(plain);
        if (!stays) socket.off(name, listener as Listener);
      }
    }
    for (const [name, listener] of all.own) {
      if (name === 'data' && this.parked) continue;
      if (!socket.listeners(name).includes(listener)) socket.on(name, listener);
    }
  }

  /** @internal */
  newListener(name: string | symbol, listener: Listener): void {
    const { borrowing, all } = this;
    if (borrowing === undefined || listener === all.onData || listener === noop) return;
    borrowing.added(name, listener);
    if (name !== 'data' && name !== 'readable') return;
    borrowing.listens(this.socket.readableLength === 0);
    if (name === 'readable') process.nextTick(stayReadable, this);
    if (!this.parked) return;
    // What was kept for him he reads now; the watch goes on, ahead of him.
    this.parked = false;
    this.socket.prependListener('data', all.onData);
  }

  /** Node lets a socket flow past a listener of `'readable'` that comes in the turn in which another went. */
  stayReadable(): void {
    const { socket } = this;
    const isPassed = socket.readableFlowing === true && socket.listenerCount('readable') > 0;
    if (this.borrowing !== undefined && isPassed) socket.pause();
  }

  /** @internal */
  data(chunk: Buffer): void {
    const { reader, borrowing, all } = this;
    if (reader !== undefined) reader[RECEIVED](chunk);
    else if (borrowing !== undefined) {
      borrowing.answered(writtenTo(this.socket));
      if (!this.hasListeners() && isFlowing(this.socket)) this.park(chunk);
    } else if (all.idleData === 'destroy') this.tell(new Error('data arrived while the connection was idle'));
    else if (all.idleData === 'keep') this.park(chunk);
  }

  /** Keeps what has come for whoever reads the socket next. */
  private park(chunk: Buffer): void {
    const { socket, all } = this;
    this.parked = true;
    socket.off('data', all.onData);
    holdStill(socket);
    socket.unshift(chunk);
    if (this.borrowing === undefined) socket.on('readable', all.onParked);
  }

  /** @internal With what is kept, the end comes behind it, and would not be seen before that is read. */
  readable(): void {
    if (hasEndBehindBytes(this.socket)) this.tell(new Error('the peer has ended the connection'));
  }

  private unpark(): void {
    const { socket, all } = this;
    if (!this.parked) return;
    this.parked = false;
    // To remove one that is not there is not nothing: Node looks at its listeners anew.
    if (socket.listenerCount('readable') > 0) socket.off('readable', all.onParked);
    socket.on('data', all.onData);
  }

  /** @internal */
  error(error: Error): void {
    this.cause = error;
  }

  /** @internal */
  end(): void {
    const { reader, cause } = this;
    this.tell(cause);
    reader?.[LOST](cause);
  }
}

function stayReadable(watch: SocketWatch): void {
  watch.stayReadable();
}

/** Lets a flowing stream wait for its next reader, as a new one does: a listener of `'readable'`, once gone, does that. */
function holdStill(socket: Duplex): void {
  socket.on('readable', noop);
  socket.off('readable', noop);
}

/** What comes is told by the stream itself: it is not what somebody has just got from `read()`. */
function isFlowing(socket: MaybeSocket): boolean {
  const state = (socket as { _readableState?: { resumeScheduled?: boolean } })._readableState;
  return socket.readableFlowing === true && state?.resumeScheduled !== true;
}

/** With `idleData: 'keep'` the end waits behind the bytes, and nothing public tells of it. */
function hasEndBehindBytes(socket: MaybeSocket): boolean {
  if (socket.readableLength === 0) return false;
  return (socket as { _readableState?: { ended?: boolean } })._readableState?.ended === true;
}

/** How many bytes have been written to it, be they on their way or not. */
function writtenTo(socket: MaybeSocket): number {
  // Node's own count looks through the writes that wait, even if there is none.
  const gone = (socket as { _bytesDispatched?: unknown })._bytesDispatched;
  return socket.writableLength === 0 && typeof gone === 'number' ? gone : (socket.bytesWritten ?? 0);
}

/** What `setDefaultEncoding()` has set; where nothing tells of it, `undefined`. */
function defaultEncodingOf(socket: MaybeSocket): string | undefined {
  return (socket as { _writableState?: { defaultEncoding?: string } })._writableState?.defaultEncoding;
}

/** Node sets an encoding but takes none away; what cannot be taken away makes the connection unfit. */
function clearEncoding(socket: MaybeSocket): void {
  const state = (socket as { _readableState?: { decoder: unknown; encoding: unknown } })._readableState;
  if (state === undefined) return;
  state.decoder = null;
  state.encoding = null;
}

function noop(): void {}
