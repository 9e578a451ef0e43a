import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls';

/**
 * Judges a certificate by the host that was named, be it an IP address: what `host` and `resolveAddress` have made of it
 * is not what the caller trusts.
 */
export function identityCheck(
  { servername, checkServerIdentity: check = checkServerIdentity }: ConnectionOptions,
  host: string,
): (dialled: string, certificate: PeerCertificate) => Error | undefined {
  // As Node takes it: an empty name is none.
  const name = servername === undefined || servername === '' ? host : servername;
  return (_dialled, certificate) => check(name, certificate);
}
