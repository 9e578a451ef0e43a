import type { Duplex } from 'node:stream';

/**
 * A WebSocket as the package `ws` makes them, of any version: it is known by what it can do, for an application may hold
 * several copies of `ws`.
 */
export interface WebSocketLike {
  readonly readyState: number;
  send(data: string | Uint8Array, options: { binary?: boolean }, done?: (error?: Error) => void): void;
  close(code?: number, reason?: string): void;
  terminate?(): void;
  ping?(): void;
  pause?(): void;
  resume?(): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off?(event: string, listener: (...args: never[]) => void): unknown;
}

/** What a hub pushes to. */
export type PushTarget = WebSocketLike | Duplex;

/** `readyState` of an open WebSocket. */
export const OPEN = 1;

export function isWebSocket(conn: unknown): conn is WebSocketLike {
  return has(conn, { readyState: 'number', send: 'function', close: 'function', on: 'function' });
}

export function isDuplex(conn: unknown): conn is Duplex {
  const shape = {
    write: 'function',
    end: 'function',
    destroy: 'function',
    on: 'function',
    writable: 'boolean',
  };
  return has(conn, shape);
}

/** What comes from the peer waits. @returns false when there is no means */
export function pause(conn: PushTarget): boolean {
  const readable = readableOf(conn);
  readable?.pause?.();
  return readable !== undefined;
}

export function resume(conn: PushTarget): void {
  readableOf(conn)?.resume?.();
}

/** A `ws` before 8.3 can only be paused by the socket inside. */
function readableOf(conn: PushTarget): Pick<WebSocketLike, 'pause' | 'resume'> | undefined {
  if (conn.pause !== undefined) return conn;
  return (conn as { _socket?: Duplex | null })._socket ?? undefined;
}

function has(conn: unknown, shape: Record<string, string>): boolean {
  if (typeof conn !== 'object' || conn === null) return false;
  try {
    return Object.entries(shape).every(
      ([name, type]) => typeof (conn as Record<string, unknown>)[name] === type,
    );
  } catch {
    return false;
  }
}
