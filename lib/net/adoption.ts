import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Network } from './address.js';
import { identityCheck } from './server-identity.js';
import type { Target, TlsTerms } from './target.js';

/** By its kind: `udp`, `tls` or `tcp`. */
export function networkOf(socket: Duplex): Network {
  if (socket.readableObjectMode) return 'udp';
  return socket instanceof TLSSocket ? 'tls' : 'tcp';
}

/** It is not established yet, or its TLS handshake is not over. */
export function isConnecting(socket: Duplex): boolean {
  const { connecting, secureConnecting } = socket as { connecting?: boolean; secureConnecting?: boolean };
  return connecting === true || secureConnecting === true;
}

/** What a stream that somebody else has made would have to be to be lent, where it is not that. */
export function requirement(socket: Duplex): string | undefined {
  if (socket.readableEncoding !== null) return 'one without an encoding';
  if (socket.writableCorked > 0) return 'one that is not corked';
  // It would keep what comes from whoever listens to 'data'.
  if (socket.listenerCount('readable') > 0) return "one without a listener of 'readable'";
  return undefined;
}

/**
 * The same of a socket that comes with a past: its former owner must not hear what its next borrowers are told, and
 * whoever dials must get what he has asked for.
 *
 * @param isOwnKind - the pool makes the connections itself, and knows of which kind they are
 */
export function adoptionRequirement(socket: Duplex, target: Target, isOwnKind: boolean): string | undefined {
  const wanted = requirement(socket);
  if (wanted !== undefined) return wanted;
  if (socket.readableLength > 0) return 'one that holds nothing unread';
  if (socket.listenerCount('data') > 0) return "one without a listener of 'data'";
  const isDatagrams = target.network.startsWith('udp');
  if (socket.readableObjectMode !== isDatagrams)
    return `one of ${isDatagrams ? 'datagrams' : 'bytes, not of datagrams'}`;
  if (!isOwnKind) return undefined;
  if (target.tls !== undefined) return tlsRequirement(socket, target.tls);
  return socket instanceof TLSSocket ? 'one without TLS, or the network "tls"' : undefined;
}

/** An unverified connection must never be lent to a caller who verifies. */
function tlsRequirement(socket: Duplex, { options, host }: TlsTerms): string | undefined {
  if (!(socket instanceof TLSSocket)) return 'a TLS socket';
  if (options.rejectUnauthorized === false) return undefined;
  if (!socket.authorized) return 'one whose peer was verified, as the "tls" of this pool asks for';
  const wrong = identityCheck(options, host)(host, socket.getPeerCertificate(true));
  return wrong && `one whose certificate is good for the address (${wrong.message})`;
}
