import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { InvalidThriftOptionsError, thriftConnector } from 'nestjs-conn-pool/thrift';
import thrift from 'thrift';
import * as Depot from './gen/Depot.js';

type Options = Parameters<typeof thriftConnector<Depot.Client>>[0];

const good = { service: Depot, port: 9090 };

function problemsOf(options: unknown): Record<string, unknown> {
  try {
    thriftConnector(options as Options);
  } catch (error) {
    if (!(error instanceof InvalidThriftOptionsError)) throw error;
    return Object.fromEntries(error.problems.map(({ path, given }) => [path, given]));
  }
  return {};
}

describe('options', () => {
  it('are told with every bad field, what was given and what is allowed, before anything is dialled', () => {
    const bad = {
      service: 7,
      host: '',
      port: '9090',
      transport: 'fast',
      protocol: {},
      connectTimeout: 'soon',
      ping: 1,
    };
    expect(() => thriftConnector(bad as never)).toThrow(InvalidOptionsError);
    expect(() => thriftConnector(bad as never)).toThrow(
      [
        'thriftConnector() was given 7 bad options:',
        '  service: got 7; allowed: what the Thrift compiler generates for a service, with its Client class',
        '  host: got ""; allowed: a text that is not empty',
        '  port: got "9090"; allowed: a whole number from 1 to 65535',
        `  transport: got "fast"; allowed: 'buffered', 'framed' or a transport class of the thrift package`,
        `  protocol: got an object; allowed: 'binary', 'compact', 'json' or a protocol class of the thrift package`,
        `  connectTimeout: got "soon"; allowed: a finite duration above 0, in milliseconds or as text such as '5s'`,
        '  ping: got 1; allowed: a function of the client, or the name of one of its methods',
      ].join('\n'),
    );
  });

  it.each([
    ['a missing service', { port: 9090 }, { service: undefined }],
    ['no options', undefined, { options: undefined }],
    ['an unknown field', { ...good, hots: 'localhost' }, { hots: 'localhost' }],
    ['nowhere to dial', { service: Depot }, { port: undefined }],
    ['two places to dial', { ...good, path: '/run/depot.sock' }, { path: '/run/depot.sock' }],
    ['port 0', { ...good, port: 0 }, { port: 0 }],
    ['port 65536', { ...good, port: 65_536 }, { port: 65_536 }],
    ['an endless timeout', { ...good, connectTimeout: Infinity }, { connectTimeout: Infinity }],
    ['no time at all', { ...good, connectTimeout: 0 }, { connectTimeout: 0 }],
    ['a method the service has not', { ...good, ping: 'pong' }, { ping: 'pong' }],
    ['an empty message', { ...good, maxMessageSize: 0 }, { maxMessageSize: 0 }],
    ['tls that is no option', { ...good, tls: 'yes' }, { tls: 'yes' }],
    ['a certificate that cannot be read', { ...good, tls: { ca: 'x', cert: 'y' } }, { tls: ['ca', 'cert'] }],
  ])('refuse %s', (_, options, problems) => {
    expect(problemsOf(options)).toEqual(problems);
  });

  it('say of a missing service what it must be', () => {
    expect(() => thriftConnector({ port: 9090 } as never)).toThrow(
      /service: got undefined; allowed: what the Thrift/,
    );
  });

  it.each([
    ['the module of the service', { service: Depot, port: 1 }],
    ['its client', { service: Depot.Client, port: 65_535 }],
    ['a path', { service: Depot, path: '/run/depot.sock' }],
    ['what is undefined', { ...good, host: undefined, path: undefined, ping: undefined, tls: undefined }],
    ['names', { ...good, transport: 'framed', protocol: 'compact' }],
    [
      'classes of the runtime',
      { ...good, transport: thrift.TFramedTransport, protocol: thrift.TJSONProtocol },
    ],
    ['a method that needs no argument', { ...good, ping: 'touch' }],
    ['durations', { ...good, connectTimeout: '1.5s' }],
    ['any length', { ...good, maxMessageSize: Infinity }],
    ['tls by default', { ...good, tls: true }],
    ['tls off', { ...good, tls: false }],
  ])('take %s', (_, options) => {
    expect(problemsOf(options)).toEqual({});
  });

  it('give the type of the client', () => {
    const connector = thriftConnector({ service: Depot, port: 1, ping: (client) => client.echo('ok') });
    type Conn = Awaited<ReturnType<typeof connector.dial>>;
    const echo: Conn['echo'] = Depot.Client.prototype.echo;
    const byName: Options = { ...good, ping: 'touch' };
    // @ts-expect-error -- echo needs an argument
    const needsArgument: Options = { ...good, ping: 'echo' };
    expect([echo, byName.ping, needsArgument.ping]).toEqual([Depot.Client.prototype.echo, 'touch', 'echo']);
  });
});
