import { resolveNatsOptions } from '../../lib/nats/nats-options.js';
import { placeOf } from '../../lib/nats/nats-client.js';
import { resolveRedisOptions } from '../../lib/redis/redis-options.js';
import { readPage } from '../docs/pages.js';

describe('the options of backplanes', () => {
  it.each([
    ['Redis', resolveRedisOptions({ url: 'redis://h' })],
    ['NATS', resolveNatsOptions({ url: 'nats://h' })],
  ])('have the defaults that are documented, over %s', (_name, options) => {
    expect(options).toMatchObject({ prefix: 'hub', lease: 10_000, probe: 1000, timeout: 2000 });
    const text = readPage('docs/hub.md').lines.join(' ');
    for (const said of ["`prefix` (`'hub'`", "`lease` (`'10s'`)", "`probe` (`'1s'`)", "`timeout` (`'2s'`)"]) {
      expect(text).toContain(said);
    }
  });

  it('take a login, or a token, and the servers out of the URL of a NATS', () => {
    expect(placeOf('nats://a:1')).toEqual({ servers: ['a:1'] });
    expect(placeOf('nats://us%40er:p%2Fw@a:1, nats://b')).toEqual({
      servers: ['a:1', 'b'],
      user: 'us@er',
      pass: 'p/w',
    });
    expect(placeOf('tls://tok%2Cen@[::1]:4222')).toEqual({
      servers: ['[::1]:4222'],
      token: 'tok,en',
      tls: {},
    });
  });
});
