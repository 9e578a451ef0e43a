import { readFileSync } from 'node:fs';

const pem = (path: string): string => readFileSync(new URL(`../thrift/tls/${path}`, import.meta.url), 'utf8');

/** A server's certificate for the loopback with its key, and whom a client must trust for it. */
export const certificates = { ca: pem('ca.pem'), cert: pem('server.pem'), key: pem('server.key') };
