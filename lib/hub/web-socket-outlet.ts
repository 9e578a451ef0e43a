import type { Duplex } from 'node:stream';
import type { Outgoing, Outlet, WriteDone } from './outlet.js';
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

  constructor(
    private readonly conn: WebSocketLike,
    private readonly wire: Wire,
  ) {}

  get isOpen(): boolean {
    return this.conn.readyState === OPEN;
  }

  get isFree(): boolean {
    return (this.conn as Insides)._sender?._firstFragment !== false;
  }

  write(items: readonly Outgoing[], done: WriteDone): boolean {
    const socket = frameableSocket(this.conn as Insides);
    if (socket === undefined) return this.sendEach(items, done);
    socket.write(this.wire.frames(items));
    if (socket.writableLength === 0 && !socket.destroyed && socket.errored === null) return true;
    // A callback costs as much as the rest of the write; so only those are given one that have to wait.
    socket.write(NOTHING, done);
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

  private sendEach(items: readonly Outgoing[], done: WriteDone): boolean {
    items.forEach(({ message }, at) => {
      const isLast = at === items.length - 1;
      this.conn.send(this.wire.payloadOf(message), { binary: message.binary }, isLast ? done : undefined);
    });
    return false;
  }
}

/**
 * The socket beneath, when frames may be written to it past `ws`: those of a server, which are not masked; no extension,
 * which would have to transform them; nothing under way inside that would have to come first.
 */
function frameableSocket({ _isServer, extensions, _socket, _sender }: Insides): Duplex | undefined {
  const isPlain = _isServer === true && extensions === '';
  if (!isPlain || _sender?._firstFragment !== true || !isIdle(_sender)) return undefined;
  return _socket?.writable === true ? _socket : undefined;
}

function isIdle({ _state, _deflating }: NonNullable<Insides['_sender']>): boolean {
  return _state === undefined ? _deflating === false : _state === 0;
}
