import { connect, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** As much as Node itself reads at a time, in bytes. */
const SIZE = 64 * 1024;

/** Node's own sockets are other streams when they have a buffer: they stop at each `pause()`, and read on at each `read()`. */
const { pause, resume, read } = Duplex.prototype;
const AS_ANY_STREAM = { pause, resume, read };

/**
 * Connects the sockets of one pool, as `connect()` of `node:net` does, and reads them into one buffer, one after the
 * other; each takes a copy of what has come. Left to itself Node allocates as much for every read, be it of a few bytes,
 * and cuts it down to what has come. To whoever has one, it is the same.
 */
export function sharingReadBuffer(): (options: NetConnectOpts) => Socket {
  let onread: OnReadOpts | undefined;
  return (options) => {
    onread ??= { buffer: Buffer.allocUnsafeSlow(SIZE), callback: take as OnReadOpts['callback'] };
    return Object.assign(connect({ ...options, onread }), AS_ANY_STREAM);
  };
}

/** @returns whether to read on */
function take(this: Socket, bytes: number, buffer: Buffer): boolean {
  // Of its own memory, as a chunk of Node's is: it may be kept for long, or transferred to a thread.
  const chunk = Buffer.allocUnsafeSlow(bytes);
  buffer.copy(chunk, 0, 0, bytes);
  if (!isPassedOn(this)) return this.push(chunk);
  this.emit('data', chunk);
  // Whoever was given it may have put it back: then the stream must know that a read is over.
  return this.readableLength === 0 || this.push('');
}

/**
 * A stream would hand over what it is given at once, as it has before. What `push()` does beyond that is to look, a
 * moment later, whether to read on; and a socket does, until it is given more than it holds.
 */
function isPassedOn(socket: Socket): boolean {
  return (
    socket.readableFlowing === true &&
    socket.readableLength === 0 &&
    socket.readableEncoding === null &&
    socket.readableDidRead &&
    socket.listenerCount('data') > 0 &&
    !isPiped(socket)
  );
}

/** Of those it is piped to, a stream remembers who is slow. Nothing public tells of them. */
function isPiped(socket: Socket): boolean {
  const state = (socket as { _readableState?: { pipes?: unknown[] } })._readableState;
  return state?.pipes?.length !== 0;
}
