import type { IncomingMessage } from 'node:http';

/** Pages of other sites may not connect in a visitor's name; what is no browser says no origin. */
export function isOwnPage(origin: string | undefined, { headers }: IncomingMessage): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === headers.host);
}
