import type { IncomingMessage } from 'node:http';
import { hostOf } from './raw-http.js';

/**
 * Whether a request comes from a page of this very site, or from no page at all. Browsers say so by themselves; one that
 * does not (over plain HTTP to another machine) still says where its page is from.
 */
export function isSameOrigin(request: IncomingMessage): boolean {
  const { headers } = request;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin } = headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === hostOf(request);
}
