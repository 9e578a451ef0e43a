import { connect, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** As much as Node itself reads at a time, in bytes. */
const SIZE = 64 * 1024;

/** Of a socket with a buffer of its own Node stops reading as soon as it is paused, and reads on at every `read()`. */
const { pause, read } = Duplex.prototype;
const AS_ANY_STREAM = { pause, read };

/**
 * What the sockets of one pool are read into, one after the other; each takes a copy of what has come. Left to itself
 * Node allocates as much for every read, be it of a few bytes, and cuts it down to what has come.
 */
export class ReadBuffer {
  private readonly onread: OnReadOpts = {
    buffer: Buffer.allocUnsafeSlow(SIZE),
    callback: take as OnReadOpts['callback'],
  };

  /** As that of `node:net`, and what it gives is the same to whoever has it. */
  readonly connect = (options: NetConnectOpts): Socket =>
    Object.assign(connect({ ...options, onread: this.onread }), AS_ANY_STREAM);
}

function take(this: Socket, bytes: number, buffer: Buffer): boolean {
  // Of its own memory, as a chunk of Node's is: it may be kept for long, or transferred to a thread.
  const chunk = Buffer.allocUnsafeSlow(bytes);
  buffer.copy(chunk, 0, 0, bytes);
  if (!isPassedOn(this)) return this.push(chunk);
  this.emit('data', chunk);
  // Whoever was given it may have put it back.
  return this.readableLength === 0 || this.readableLength < this.readableHighWaterMark;
}

/**
 * It hands over at once what it is given, as it has before. All that `push()` would do beyond that is to look, a moment
 * later, whether to read on; and a socket does, until it is given more than it holds.
 */
function isPassedOn(socket: Socket): boolean {
  return (
    socket.readableFlowing === true &&
    socket.readableLength === 0 &&
    socket.readableEncoding === null &&
    socket.readableDidRead
  );
}
