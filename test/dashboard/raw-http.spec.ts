import { once } from 'node:events';
import { connect, createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostOf, isGone } from '../../lib/dashboard/raw-http.js';
import { isSameOrigin } from '../../lib/dashboard/same-origin.js';

describe('an exchange over HTTP/2', () => {
  it('tells who has gone, also when the connection stays, and what the server is called', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const asked = once(server, 'request');
    const stream = session.request({
      ':path': '/',
      ':authority': 'ops.example:3000',
      origin: 'http://ops.example:3000',
    });
    stream.on('error', () => undefined);
    const [request, response] = (await asked) as [Http2ServerRequest, Http2ServerResponse];
    const [incoming, outgoing] = [
      request as unknown as IncomingMessage,
      response as unknown as ServerResponse,
    ];
    expect(hostOf(incoming)).toBe('ops.example:3000');
    expect(isSameOrigin(incoming)).toBe(true);
    expect(isGone(outgoing)).toBe(false);
    const gone = once(response, 'close');
    stream.close(8);
    await gone;
    expect(isGone(outgoing)).toBe(true);
    expect(session.destroyed).toBe(false);
    session.close();
    server.close();
  });
});
