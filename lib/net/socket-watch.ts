import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What to do with bytes that arrive while nobody has the connection. */
export type IdleData = 'destroy' | 'discard' | 'keep';

/** Whoever reads a connection through the pool. */
export interface Reader {
  /** Bytes are there, or the end is. */
  readable(): void;
  /** The peer has ended its side, or the connection is gone. */
  lost(cause: Error | undefined): void;
  timeout(): void;
}

/** What Node's sockets have and other streams may not. */
type MaybeSocket = Duplex &
  Partial<Pick<Socket, 'ref' | 'unref' | 'setTimeout' | 'bytesRead' | 'bytesWritten'>>;

/**
 * The pool's eyes on one connection, from its dial to its end. While the connection is idle it sees bytes and the peer's
 * end at once; while a `PooledSocket` has it, that reads through here; while a lease of the raw socket has it, it only
 * listens for the end.
 */
export class SocketWatch {
  /** While nobody has it, or somebody has it raw: `undefined`. */
  reader: Reader | undefined = undefined;
  private readonly socket: MaybeSocket;
  private readonly baseline: ReadonlyMap<string | symbol, readonly unknown[]>;
  private cause: Error | undefined = undefined;
  private raw = false;
  /** At the beginning of a raw lease. */
  private before = { read: 0, written: 0 };

  constructor(
    socket: Duplex,
    private readonly idleData: IdleData,
    private readonly tell: (cause?: unknown) => void,
  ) {
    this.socket = socket;
    socket.on('error', this.onError);
    socket.on('end', this.onEnd);
    socket.on('close', this.onClose);
    socket.on('timeout', this.onTimeout);
    socket.on('readable', this.onReadable);
    this.baseline = new Map(socket.eventNames().map((name) => [name, socket.listeners(name)]));
    this.socket.unref?.();
  }

  /** Leaves no trace: the socket is not the pool's any more. */
  stop(): void {
    const { socket } = this;
    socket.off('error', this.onError);
    socket.off('end', this.onEnd);
    socket.off('close', this.onClose);
    socket.off('timeout', this.onTimeout);
    socket.off('readable', this.onReadable);
    socket.ref?.();
  }

  /** A `PooledSocket` has it from now on. */
  lendTo(reader: Reader): void {
    this.reader = reader;
    this.socket.ref?.();
    if (this.socket.readableLength > 0) reader.readable();
  }

  /**
   * Somebody has the socket itself from now on, and reads it as he likes.
   *
   * @param holds - whether the process must stay up for it
   */
  lendRaw(holds: boolean): void {
    const { socket } = this;
    this.raw = true;
    this.before = { read: socket.bytesRead ?? 0, written: socket.bytesWritten ?? 0 };
    socket.off('readable', this.onReadable);
    if (holds) socket.ref?.();
  }

  /** Nobody has it any more: what its borrower has left on it goes. @returns what makes it unfit for the next, if anything */
  takeBack(): string | undefined {
    const { socket } = this;
    const awaited = this.raw && this.awaitsAnswer();
    if (this.raw) {
      this.removeForeignListeners();
      socket.setTimeout?.(0);
      clearEncoding(socket);
      socket.on('readable', this.onReadable);
    }
    this.raw = false;
    this.reader = undefined;
    socket.unref?.();
    return awaited ? 'an answer was still awaited' : this.unfitness();
  }

  /** What keeps the connection from being lent, if anything. */
  unfitness(): string | undefined {
    const { socket } = this;
    if (socket.destroyed) return 'it is closed';
    if (!socket.readable) return 'the peer has ended it';
    if (!socket.writable) return 'its writing side was ended';
    if (socket.readableLength > 0 && this.idleData !== 'keep') return 'it holds unread data';
    if (socket.readableEncoding !== null) return 'its encoding was set';
    return undefined;
  }

  /** Something was sent, nothing has come back, and somebody is waiting for it. */
  private awaitsAnswer(): boolean {
    const { socket, before } = this;
    const sent = (socket.bytesWritten ?? 0) > before.written;
    const answered = (socket.bytesRead ?? 0) > before.read;
    return sent && !answered && socket.listenerCount('data') + socket.listenerCount('readable') > 0;
  }

  private removeForeignListeners(): void {
    const { socket, baseline } = this;
    for (const name of socket.eventNames()) {
      const own = baseline.get(name);
      const present = name === 'readable' ? [] : own;
      if (socket.listenerCount(name) <= (present?.length ?? 0)) continue;
      for (const listener of socket.rawListeners(name)) {
        const plain = (listener as { listener?: unknown }).listener ?? listener;
        if (present?.includes(plain) !== true) socket.off(name, listener as () => void);
      }
    }
  }

  private readonly onReadable = (): void => {
    if (this.reader !== undefined) return this.reader.readable();
    const { socket } = this;
    // To read nothing is how the end is found out.
    if (socket.readableLength === 0) void socket.read();
    else if (this.idleData === 'destroy') this.tell(new Error('data arrived while the connection was idle'));
    else if (this.idleData === 'discard') while (socket.read() !== null);
  };

  private readonly onError = (error: Error): void => {
    this.cause = error;
  };

  private readonly onEnd = (): void => this.lost();

  private readonly onClose = (): void => this.lost();

  private readonly onTimeout = (): void => this.reader?.timeout();

  private lost(): void {
    const { reader } = this;
    this.tell(this.cause);
    reader?.lost(this.cause);
  }
}

/** Node sets an encoding but takes none away; what cannot be taken away makes the connection unfit. */
function clearEncoding(socket: MaybeSocket): void {
  if (socket.readableEncoding === null) return;
  const state = (socket as { _readableState?: { decoder: unknown; encoding: unknown } })._readableState;
  if (state === undefined) return;
  state.decoder = null;
  state.encoding = null;
}
