import type { IncomingMessage } from 'node:http';

/**
 * Whether a request comes from a page of this very site, or from no page at all. Browsers say so by themselves; one that
 * does not (over plain HTTP to another machine) still says where its page is from.
 */
export function isSameOrigin({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin } = headers;
  if (origin === undefined) return true;
  // HTTP/2 has ":authority" in its place.
  const host = headers.host ?? headers[':authority'];
  return URL.canParse(origin) && new URL(origin).host === host;
}
