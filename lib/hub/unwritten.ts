import type { Duplex } from 'node:stream';

/** What sockets of Node have inside; others have not. */
interface Insides {
  readonly _handle?: Handle | null;
}

interface Handle {
  readonly writeQueueSize?: number;
  /** With TLS: of the socket beneath, into which what is encrypted goes. */
  readonly _parent?: Handle | null;
}

/**
 * Bytes that a stream was given and the system has not taken, as far as can be seen: of one large write it takes piece
 * after piece, of which no event tells.
 */
export function unwrittenOf(stream: Duplex | null | undefined): number {
  if (stream == null) return 0;
  const handle = (stream as Insides)._handle;
  return stream.writableLength + (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0);
}
