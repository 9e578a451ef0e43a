import type { IncomingMessage, ServerResponse } from 'node:http';

/** A viewer that is this far behind misses what comes. Bytes; a message may go beyond. */
const MOST_BEHIND = 256 * 1024;
/** A viewer that takes nothing for so long is gone, whatever its socket says. Milliseconds. */
const PATIENCE = 30_000;
/** What one that does not take its good-bye may hold the end of the application up. Milliseconds. */
const GRACE = 250;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // no-transform: a middleware that compresses would hold messages back.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** One open page, fed with server-sent events. What it is too slow for is left out, never queued. */
export class Viewer {
  private stuck: NodeJS.Timeout | undefined;

  /** @param gone - called once, when the page has been closed or lost */
  constructor(
    request: IncomingMessage,
    private readonly response: ServerResponse,
    gone: () => void,
  ) {
    const isOwnSocket = request.httpVersionMajor < 2;
    if (isOwnSocket) {
      request.socket.setTimeout(0);
      request.socket.setNoDelay(true);
    }
    // Its connection is of no use to a next request, and one kept alive would hold the end of the application up.
    const connection = isOwnSocket ? { Connection: 'close' } : {};
    response.writeHead(200, { ...HEADERS, ...connection });
    response.flushHeaders();
    response.on('error', () => undefined);
    response.on('drain', () => this.resume());
    response.once('close', () => {
      this.resume();
      gone();
    });
  }

  /** @param message - as `messageText` makes it */
  send(message: string): void {
    const { response } = this;
    if (response.writableEnded) return;
    if (response.writableLength <= MOST_BEHIND) response.write(message);
    else this.stuck ??= setTimeout(() => response.destroy(), PATIENCE).unref();
  }

  /** Says good-bye, and waits for no answer. */
  end(): void {
    const { response } = this;
    if (!response.writableEnded) response.end(messageText('bye', {}));
    setTimeout(() => response.destroy(), GRACE).unref();
  }

  private resume(): void {
    clearTimeout(this.stuck);
    this.stuck = undefined;
  }
}

/** A message of the stream; JSON has no line breaks of its own. */
export function messageText(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
