import { ConnPool } from 'nestjs-conn-pool/core';
import { thriftConnector } from 'nestjs-conn-pool/thrift';
import thrift from 'thrift';
import * as ConnPoolExample from '../../sample/01-thrift/gen/ConnPoolExample.js';
import { startThriftServer, type ThriftServer } from '../../sample/01-thrift/thrift-server.js';
import { rejection } from './by-hand.js';
import { scriptedServer } from './scripted-server.js';
import { tappedWire, type TappedWire } from './tapped-wire.js';

/** Framed, strict binary: what the predecessor's example sends and receives. */
const PING_CALL = '0000001a 80010001 00000004 50696e67 00000001 0b0001 00000002 6f6b 00';
const PING_REPLY = '0000001a 80010002 00000004 50696e67 00000001 0b0000 00000002 6f6b 00';
const ECHO_CALL = '0000001a 80010001 00000004 4563686f 00000002 0b0001 00000002 6869 00';
const TEXT = 'Internal error processing Echo: echo error';
const ECHO_ERROR = `00000049 80010003 00000004 4563686f 00000002 0b0001 0000002a ${hexOf(TEXT)} 080002 00000006 00`;

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex');
}

function bytes(hex: string): string {
  return hex.replaceAll(' ', '');
}

function connectorTo(port: number) {
  return thriftConnector({
    service: ConnPoolExample,
    host: '127.0.0.1',
    port,
    transport: 'framed',
    ping: (client) => client.Ping('ok'),
  });
}

describe('on the wire', () => {
  let server: ThriftServer;
  let wire: TappedWire;

  beforeEach(async () => {
    server = await startThriftServer();
    wire = await tappedWire(server.port);
  });

  afterEach(async () => {
    await wire.close();
    await server.close();
  });

  it('a heartbeat is the Ping of the predecessor, and so is its answer', async () => {
    await using pool = new ConnPool(connectorTo(wire.port));
    await pool.use(() => undefined);
    expect(wire.sent()).toBe(bytes(PING_CALL));
    expect(wire.received()).toBe(bytes(PING_REPLY));
  });

  it('a call is counted on from the heartbeat, on the same connection', async () => {
    await using pool = new ConnPool(connectorTo(wire.port));
    expect(await pool.use((client) => client.Echo('hi'))).toBe('hi');
    expect(wire.sent()).toBe(bytes(PING_CALL + ECHO_CALL));
  });

  it('the error the predecessor’s server answers is an application exception, and its connection stays', async () => {
    await using old = await scriptedServer((socket) => {
      socket.once('data', () => {
        socket.write(Buffer.from(bytes(PING_REPLY), 'hex'));
        socket.on('data', () => socket.write(Buffer.from(bytes(ECHO_ERROR), 'hex')));
      });
    });
    await using pool = new ConnPool(connectorTo(old.port));
    const error = await rejection(pool.use((client) => client.Echo('hi')));
    expect(error).toBeInstanceOf(thrift.Thrift.TApplicationException);
    expect(error).toMatchObject({ message: TEXT, type: 6 });
    expect(pool.stats()).toMatchObject({ idle: 1, totals: { dialed: 1, lost: 0 } });
  });

  it('the probe is a call without arguments of a method that is not there', async () => {
    const connector = thriftConnector({
      service: ConnPoolExample,
      host: '127.0.0.1',
      port: wire.port,
      transport: 'framed',
    });
    await using pool = new ConnPool(connector);
    expect(await pool.use((client) => client.Echo('hi'))).toBe('hi');
    expect(wire.sent()).toBe(bytes(`00000011 80010001 00000004 ${hexOf('__hb')} 00000001 00 ${ECHO_CALL}`));
    expect(pool.stats()).toMatchObject({ idle: 1, totals: { dialed: 1, lost: 0 } });
  });
});
