import type { Duplex } from 'node:stream';
import type { Outgoing, Outlet, WriteWaiter } from './outlet.js';
import { OPEN, type WebSocketLike } from './push-target.js';
import type { Wire } from './wire.js';

/** What `ws` has inside, of the versions 7 and 8. Any of it may be missing. */
interface Insides {
  readonly _isServer?: boolean;
  readonly extensions?: string;
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
  /** Its frames are those of a server, which are not masked, and no extension would have to transform them. */
  private readonly isPlain: boolean;

  constructor(
    private readonly conn: WebSocketLike,
    private readonly wire: Wire,
  ) {
    const { _isServer, extensions } = conn as Insides;
    this.isPlain = _isServer === true && extensions === '';
  }

  get isOpen(): boolean {
    return this.conn.readyState === OPEN;
  }

  get isFree(): boolean {
    return (this.conn as Insides)._sender?._firstFragment !== false;
  }

  write(items: readonly Outgoing[], waiter: WriteWaiter): boolean {
    const socket = this.isPlain ? frameableSocket(this.conn as Insides) : undefined;
    if (socket === undefined) return this.sendEach(items, waiter);
    const ascii = items.length === 1 ? this.wire.asciiFrame((items[0] as Outgoing).message) : undefined;
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

  private sendEach(items: readonly Outgoing[], waiter: WriteWaiter): boolean {
    const done = (error?: Error | null): void => waiter.onDone(items, error);
    items.forEach(({ message }, at) => {
      const isLast = at === items.length - 1;
      this.conn.send(this.wire.payloadOf(message), { binary: message.binary }, isLast ? done : undefined);
    });
    return false;
  }
}

/** The socket beneath, unless something is under way inside that would have to come first. */
function frameableSocket({ _socket, _sender }: Insides): Duplex | undefined {
  if (_sender?._firstFragment !== true || !isIdle(_sender)) return undefined;
  return _socket ?? undefined;
}

function isIdle({ _state, _deflating }: NonNullable<Insides['_sender']>): boolean {
  return _state === undefined ? _deflating === false : _state === 0;
}
