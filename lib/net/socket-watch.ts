import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What to do with bytes that arrive while nobody has the connection. */
export type IdleData = 'destroy' | 'discard' | 'keep';

/** For the pool alone: what a reader is told. */
export const RECEIVED = Symbol('received');
export const LOST = Symbol('lost');

/** Whoever reads a connection through the pool. */
export interface Reader {
  [RECEIVED](chunk: Buffer): void;
  /** The peer has ended its side, or the connection is gone. */
  [LOST](cause: Error | undefined): void;
}

type Listener = (...args: unknown[]) => void;

/** More listeners of a borrower are not remembered one by one. */
const MOST_ADDED = 64;

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
  private raw = false;
  /** What the borrower of the raw socket has put on it: event and listener in turn; if he has put on a lot, nothing. */
  private readonly added: (string | symbol | Listener)[] = [];
  private addedMany = false;
  /** What was on the socket before the watch: event and listener in turn. */
  private readonly before: (string | symbol | Listener)[] = [];
  /** The borrower of the raw socket has listened for bytes, be it for a while. */
  private wanted = false;
  /** How much had been written when bytes came last, or when it was lent. */
  private answeredUpTo = 0;
  /** What came is back in the socket's buffer, and the watch reads no more until it is lent or taken back. */
  private parked = false;
  private cause: Error | undefined = undefined;
  private readonly socket: MaybeSocket;
  /** How many listeners there are of each event that the watch listens to, while nobody has the socket. */
  private readonly usual: readonly number[];

  constructor(
    socket: Duplex,
    private readonly idleData: IdleData,
    private readonly tell: (cause?: unknown) => void,
  ) {
    this.socket = socket;
    for (const name of socket.eventNames())
      for (const listener of socket.rawListeners(name)) this.before.push(name, listener as Listener);
    for (const [name, listener] of this.own) socket.on(name, listener);
    this.usual = this.own.map(([name]) => socket.listenerCount(name));
    this.socket.unref?.();
  }

  /** Leaves no trace: the socket is not the pool's any more, and what comes next waits to be read. */
  stop(): void {
    const { socket } = this;
    for (const [name, listener] of this.own) socket.off(name, listener);
    if (this.parked) socket.off('readable', this.onParked);
    else holdStill(socket);
    socket.ref?.();
    this.reader?.[LOST](undefined);
  }

  /** A `PooledSocket` has it from now on. */
  lendTo(reader: Reader): void {
    this.reader = reader;
    this.unpark();
    this.socket.ref?.();
  }

  /**
   * Somebody has the socket itself from now on, and reads it as he likes.
   *
   * @param holds - whether the process must stay up for it
   */
  lendRaw(holds: boolean): void {
    const { socket } = this;
    this.raw = true;
    if (this.parked) socket.off('readable', this.onParked);
    this.wanted = false;
    this.answeredUpTo = socket.bytesWritten ?? 0;
    if (holds) socket.ref?.();
  }

  /** Nobody has it any more: what its borrower has left on it goes. @returns what makes it unfit for the next, if anything */
  takeBack(): string | undefined {
    const { socket } = this;
    const awaited = this.raw && this.wanted && (socket.bytesWritten ?? 0) > this.answeredUpTo;
    this.reader = undefined;
    if (this.raw) {
      this.raw = false;
      this.removeAdded();
      socket.unpipe();
      if (socket.readableEncoding !== null) clearEncoding(socket);
    }
    if (socket.timeout !== undefined && socket.timeout > 0) socket.setTimeout?.(0);
    const unfit = awaited ? 'an answer was still awaited' : this.unfitness();
    if (unfit !== undefined) return unfit;
    if (this.idleData !== 'keep' || socket.readableLength === 0) {
      this.unpark();
      if (socket.readableFlowing !== true) socket.resume();
    }
    socket.unref?.();
    return undefined;
  }

  /** What keeps the connection from being lent, if anything. */
  unfitness(): string | undefined {
    const { socket } = this;
    if (socket.destroyed) return 'it is closed';
    if (!socket.readable || hasEndBehindBytes(socket)) return 'the peer has ended it';
    if (!socket.writable) return 'its writing side was ended';
    if (socket.readableLength > 0 && this.idleData !== 'keep') return 'it holds unread data';
    if (socket.readableEncoding !== null) return 'its encoding was set';
    return undefined;
  }

  /** The borrower of the raw socket reads it. */
  private hasListeners(): boolean {
    return this.socket.listenerCount('data') > 1 || this.socket.listenerCount('readable') > 0;
  }

  private removeAdded(): void {
    const { added, socket } = this;
    for (let at = 0; at < added.length; at += 2) socket.off(added[at] as string, added[at + 1] as Listener);
    added.length = 0;
    const isUsual = (name: string, at: number): boolean => socket.listenerCount(name) === this.usual[at];
    if (this.addedMany || !this.own.every(([name], at) => isUsual(name, at))) this.sweep();
    this.addedMany = false;
  }

  /** Puts the socket's listeners back as they were, whatever a borrower has added and removed. */
  private sweep(): void {
    const { socket, before } = this;
    const own: unknown[] = this.own.map(([, listener]) => listener);
    for (const name of socket.eventNames()) {
      for (const listener of socket.rawListeners(name)) {
        const isBefore = before.some((each, at) => each === listener && before[at - 1] === name);
        const plain: unknown = (listener as { listener?: unknown }).listener ?? listener;
        if (!isBefore && !own.includes(plain)) socket.off(name, listener as Listener);
      }
    }
    for (const [name, listener] of this.own) {
      if (name === 'data' && this.parked) continue;
      if (!socket.listeners(name).includes(listener)) socket.on(name, listener);
    }
  }

  private readonly onNewListener = (name: string | symbol, listener: Listener): void => {
    if (!this.raw || listener === this.onData || listener === noop) return;
    if (this.added.length < MOST_ADDED) this.added.push(name, listener);
    else this.addedMany = true;
    if (name !== 'data' && name !== 'readable') return;
    this.wanted = true;
    if (name === 'readable') process.nextTick(this.stayReadable);
    if (!this.parked) return;
    // What was kept for him he reads now; the watch goes on, ahead of him.
    this.parked = false;
    this.socket.prependListener('data', this.onData);
  };

  /** Node lets a socket flow past a listener of `'readable'` that comes in the turn in which another went. */
  private readonly stayReadable = (): void => {
    const { socket } = this;
    if (this.raw && socket.readableFlowing === true && socket.listenerCount('readable') > 0) socket.pause();
  };

  private readonly onData = (chunk: Buffer): void => {
    if (this.reader !== undefined) this.reader[RECEIVED](chunk);
    else if (this.raw) {
      this.answeredUpTo = this.socket.bytesWritten ?? 0;
      if (!this.hasListeners() && isFlowing(this.socket)) this.park(chunk);
    } else if (this.idleData === 'destroy')
      this.tell(new Error('data arrived while the connection was idle'));
    else if (this.idleData === 'keep') this.park(chunk);
  };

  /** Keeps what has come for whoever reads the socket next. */
  private park(chunk: Buffer): void {
    const { socket } = this;
    this.parked = true;
    socket.off('data', this.onData);
    holdStill(socket);
    socket.unshift(chunk);
    if (!this.raw) socket.on('readable', this.onParked);
  }

  /** The end comes behind what is kept, and would not be seen before that is read. */
  private readonly onParked = (): void => {
    if (hasEndBehindBytes(this.socket)) this.tell(new Error('the peer has ended the connection'));
  };

  private unpark(): void {
    const { socket } = this;
    if (!this.parked) return;
    this.parked = false;
    // To remove one that is not there is not nothing: Node looks at its listeners anew.
    if (socket.listenerCount('readable') > 0) socket.off('readable', this.onParked);
    socket.on('data', this.onData);
  }

  private readonly onError = (error: Error): void => {
    this.cause = error;
  };

  private readonly onEnd = (): void => {
    const { reader, cause } = this;
    this.tell(cause);
    reader?.[LOST](cause);
  };

  private readonly own: readonly [string, Listener][] = [
    ['newListener', this.onNewListener as Listener],
    ['error', this.onError as Listener],
    ['end', this.onEnd],
    ['close', this.onEnd],
    ['data', this.onData as Listener],
  ];
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

/** Node sets an encoding but takes none away; what cannot be taken away makes the connection unfit. */
function clearEncoding(socket: MaybeSocket): void {
  const state = (socket as { _readableState?: { decoder: unknown; encoding: unknown } })._readableState;
  if (state === undefined) return;
  state.decoder = null;
  state.encoding = null;
}

function noop(): void {}
