import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostOf } from './raw-http.js';

/**
 * Whether the server is called by a name of its own. A page of another site may have had its own name pointed at this
 * server (DNS rebinding), and is then of the same origin to the browser; an address or "localhost" cannot be pointed.
 *
 * @param names - in lower case, without ports
 */
export function isKnownHost(request: IncomingMessage, names: readonly string[]): boolean {
  const name = hostName(hostOf(request) ?? '');
  if (name === undefined) return false;
  const isAddress = isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  return isAddress || name === 'localhost' || name.endsWith('.localhost') || names.includes(name);
}

/** In lower case and without the port; `undefined` for what is no host. */
export function hostName(host: string): string | undefined {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined;
}
