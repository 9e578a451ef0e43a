import { readFileSync } from 'node:fs';

const pem = (path) => readFileSync(new URL(path, import.meta.url));

/** What a server shows of itself: a certificate of the tests' authority, or one that nobody has signed. */
export const CERTIFICATES = {
  trusted: { key: pem('../../thrift/tls/server.key'), cert: pem('../../thrift/tls/server.pem') },
  selfSigned: { key: pem('../tls/self-signed.key'), cert: pem('../tls/self-signed.pem') },
};
