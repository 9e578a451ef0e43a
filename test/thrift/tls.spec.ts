import { readFileSync } from 'node:fs';
import type { TlsOptions } from 'node:tls';
import { ConnPool, DialError } from 'nestjs-conn-pool/core';
import { thriftConnector } from 'nestjs-conn-pool/thrift';
import { byHand, rejection } from './by-hand.js';
import { startDepotServer } from './depot-server.mjs';
import * as Depot from './gen/Depot.js';
import { freePort } from './scripted-server.js';

const pem = (name: string): string => readFileSync(new URL(`./tls/${name}`, import.meta.url), 'utf8');
const ca = pem('ca.pem');
const key = pem('server.key');
const cert = pem('server.pem');

function serving(tls: TlsOptions = {}) {
  return startDepotServer({ tls: { key, cert, ...tls } });
}

describe('TLS', () => {
  it('carries calls when the certificate is trusted', async () => {
    await using server = await serving();
    const connector = thriftConnector({ service: Depot, host: '127.0.0.1', port: server.port, tls: { ca } });
    await using pool = new ConnPool(connector);
    expect(await pool.use((client) => client.echo('hello'))).toBe('hello');
    expect(await pool.use((client) => client.echo('again'))).toBe('again');
    expect(pool.stats().totals.dialed).toBe(1);
  });

  it.each([
    ['nobody trusts', {}, {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['is for another host', {}, { ca, servername: 'elsewhere.test' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['has expired', { cert: pem('expired.pem') }, { ca }, 'CERT_HAS_EXPIRED'],
  ])('refuses a certificate that %s, and the pool does not try again', async (_, theirs, ours, code) => {
    await using server = await serving(theirs);
    const connector = thriftConnector({ service: Depot, host: '127.0.0.1', port: server.port, tls: ours });
    await using pool = new ConnPool(connector, { dialAttempts: 5, heartbeatTimeout: '10s' });
    const error = await rejection(pool.acquire());
    expect(error).toBeInstanceOf(DialError);
    expect(error).toMatchObject({
      permanent: true,
      attempts: 1,
      cause: { code: 'ERR_THRIFT_CONNECTION', cause: { code } },
    });
    expect(pool.stats().totals).toMatchObject({ dialFailures: 1 });
  });

  it('takes any certificate when told so', async () => {
    await using server = await serving();
    const tls = { rejectUnauthorized: false };
    const connector = byHand(thriftConnector({ service: Depot, host: '127.0.0.1', port: server.port, tls }));
    const client = await connector.dial();
    expect(await client.echo('hello')).toBe('hello');
    await connector.close(client);
  });

  it.each(['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'])(
    'takes %s, which the server says of our certificate, for permanent',
    (code) => {
      const { isPermanent } = byHand(thriftConnector({ service: Depot, port: 9090, tls: true }));
      expect(isPermanent(new Error('lost', { cause: Object.assign(new Error('alert'), { code }) }))).toBe(
        true,
      );
      expect(isPermanent(Object.assign(new Error('alert'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }))).toBe(
        false,
      );
    },
  );

  it('shows the server a certificate of ours', async () => {
    await using server = await serving({ requestCert: true, rejectUnauthorized: true, ca });
    const tls = { ca, key, cert };
    await using pool = new ConnPool(
      thriftConnector({ service: Depot, host: '127.0.0.1', port: server.port, tls }),
    );
    expect(await pool.use((client) => client.echo('hello'))).toBe('hello');
  });

  it('that is refused below it is no permanent error', async () => {
    const port = await freePort();
    const connector = byHand(thriftConnector({ service: Depot, host: '127.0.0.1', port, tls: true }));
    const error = await rejection(connector.dial());
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(connector.isPermanent(error)).toBe(false);
  });
});
