import type { Duplex } from 'node:stream';
import { LOST, type Reader, RECEIVED } from '../net/socket-watch.js';

/** Feeds a reader with what comes on a socket that no pool watches. */
export class SocketFeed {
  private cause: Error | undefined = undefined;

  constructor(
    private readonly socket: Duplex,
    private readonly reader: Reader,
  ) {
    socket.on('data', this.onData).on('end', this.onEnd).on('error', this.onError).on('close', this.onEnd);
    // Somebody has paused it, as a server does that hands its sockets on.
    if (socket.readableFlowing === false) socket.resume();
  }

  /** What comes from now on is for somebody else; the socket stands still until he reads it. */
  stop(): void {
    const { socket } = this;
    socket.pause();
    socket
      .off('data', this.onData)
      .off('end', this.onEnd)
      .off('error', this.onError)
      .off('close', this.onEnd);
  }

  private readonly onData = (chunk: Buffer): void => this.reader[RECEIVED](chunk);

  private readonly onError = (error: Error): void => {
    this.cause = error;
  };

  private readonly onEnd = (): void => this.reader[LOST](this.cause);
}
