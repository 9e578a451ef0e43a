import type { Duplex } from 'node:stream';
import { NO_CODE } from './close-code.js';
import type { Outgoing, Outlet, WriteWaiter } from './outlet.js';
import { OPEN, type WebSocketLike } from './push-target.js';
import { unwrittenOf } from './unwritten.js';
import type { Wire } from './wire.js';

/** What `ws` has inside, of the versions 7 and 8. Any of it may be missing. */
interface Insides {
  readonly _isServer?: boolean;
  readonly extensions?: string;
  readonly _closeCode?: number;
  readonly _socket?: Duplex | null;
  readonly _sender?: {
    /** 0: nothing is being compressed or read. Before 8.18 it was called `_deflating`. */
    readonly _state?: number;
    readonly _deflating?: boolean;
    /** False in the middle of a message that is sent in pieces. */
    readonly _firstFragment?: boolean;
  };
}

const NOTHING = Buffer.alloc(0);

/** Writes to a WebSocket: whole batches of frames where that is safe, else by its own `send`. */
export class WebSocketOutlet implements Outlet {
  readonly mostAtOnce = Infinity;
  /** Inside of it from its opening to its end, and kept here, for each look into `conn` costs as much as a good part of the rest. */
  private readonly sender: Insides['_sender'];
  /** `undefined` where frames would have to be masked, as those of a client, or transformed by an extension. */
  private readonly socket: Duplex | undefined;

  constructor(
    private readonly conn: WebSocketLike,
    private readonly wire: Wire,
  ) {
    const { _isServer, extensions, _sender, _socket } = conn as Insides;
    this.sender = _sender;
    if (_isServer === true && extensions === '') this.socket = _socket ?? undefined;
  }

  get isOpen(): boolean {
    return this.conn.readyState === OPEN;
  }

  get closeCode(): number {
    return (this.conn as Insides)._closeCode ?? NO_CODE;
  }

  get isFree(): boolean {
    return this.sender?._firstFragment !== false;
  }

  get unwritten(): number {
    return unwrittenOf((this.conn as Insides)._socket);
  }

  write(items: readonly Outgoing[], waiter: WriteWaiter): boolean {
    const { socket } = this;
    if (socket === undefined || !this.mayFrame()) return this.sendEach(items, waiter);
    const ascii = this.wire.asciiFrames(items);
    const isWell =
      ascii === undefined ? socket.write(this.wire.frames(items)) : socket.write(ascii, 'latin1');
    // A stream says true, at the price of one look, only when it is neither full nor failed nor destroyed.
    const isTaken = socket.writableLength === 0;
    if (isTaken && (isWell || (!socket.destroyed && socket.errored === null))) return true;
    // A callback costs as much as the rest of the write; so only those are given one that have to wait.
    socket.write(NOTHING, (error) => waiter.onDone(items, error));
    return false;
  }

  ping(): boolean {
    if (this.conn.ping === undefined) return false;
    this.conn.ping();
    return true;
  }

  close(code: number, reason: string): void {
    this.conn.close(code, reason);
  }

  terminate(): void {
    if (this.conn.terminate === undefined) this.conn.close();
    else this.conn.terminate();
  }

  /** Nothing is under way inside that would have to come first. */
  private mayFrame(): boolean {
    const { sender } = this;
    if (sender?._firstFragment !== true) return false;
    return sender._state === undefined ? sender._deflating === false : sender._state === 0;
  }

  private sendEach(items: readonly Outgoing[], waiter: WriteWaiter): boolean {
    const done = (error?: Error | null): void => waiter.onDone(items, error);
    items.forEach(({ message }, at) => {
      const isLast = at === items.length - 1;
      this.conn.send(this.wire.payloadOf(message), { binary: message.binary }, isLast ? done : undefined);
    });
    return false;
  }
}
