import type { Duplex } from 'node:stream';

/** What sockets of Node have inside; others have not. */
interface Insides {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * Bytes that a stream was given and the system has not taken, as far as can be seen: of one large write it takes piece
 * after piece, of which no event tells.
 */
export function unwrittenOf(stream: Duplex | null | undefined): number {
  if (stream == null) return 0;
  return stream.writableLength + ((stream as Insides)._handle?.writeQueueSize ?? 0);
}
