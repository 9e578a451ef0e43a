import type { PooledSocket } from 'nestjs-conn-pool/net';

/** In characters. */
const LONGEST_LINE = 200;

/** What came was no line. */
export class NoLineError extends Error {}

/** Reads the one line of an answer. After anything else the connection is not for the next who dials. */
export async function readLine(socket: PooledSocket): Promise<string> {
  let text = '';
  // By itself the iterator would destroy the socket in the end, and the pool would have nothing to keep.
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.indexOf('\n') === text.length - 1) return text.slice(0, -1);
    if (text.includes('\n') || text.length > LONGEST_LINE) break;
  }
  socket.discard('no line came');
  throw new NoLineError(text === '' ? 'It has hung up.' : 'It has sent something else than a line.');
}
