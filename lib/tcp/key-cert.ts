import { readFile } from 'node:fs/promises';

/**
 * A certificate and its key from files, for the `tls` of a server, a pool or a connection. Rejects as `readFile` does.
 *
 * @example
 * new TcpServer({ address: ':8999', handler, tls: await loadKeyCert('server.crt', 'server.key') })
 */
export async function loadKeyCert(certFile: string, keyFile: string): Promise<{ cert: Buffer; key: Buffer }> {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  return { cert, key };
}
