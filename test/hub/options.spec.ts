import { ConnHub, CloseCode } from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { resolveHubOptions } from '../../lib/hub/hub-options.js';

describe('the options of a hub', () => {
  it('have the defaults that the documentation says', () => {
    const { identify: _identify, ...options } = resolveHubOptions({}, () => 'node');
    expect(options).toEqual({
      name: 'default',
      node: 'node',
      backplane: undefined,
      onDuplicate: 'replace',
      maxPerId: 10,
      delimiter: '\n',
      maxMessageBytes: 1024 * 1024,
      maxQueueMessages: 1000,
      maxQueueBytes: 1024 * 1024,
      slowConsumer: 'disconnect',
      writeTimeout: 10_000,
      heartbeatInterval: 30_000,
      heartbeatTimeout: 10_000,
      ackTimeout: 10_000,
      box: undefined,
      offlineGrace: 0,
      verifyOrigin: undefined,
      drain: 5_000,
    });
    expect(resolveHubOptions({ box: {} }, () => 'node').box).toEqual({
      size: 100,
      ttl: 5 * 60_000,
      maxBytes: 256 * 1024,
      maxIds: 10_000,
    });
  });

  it('are checked at once, and everything that is wrong is told', () => {
    const wrong = {
      name: '',
      node: 'a/b',
      onDuplicate: 'keep',
      maxPerId: 0,
      delimiter: 10,
      maxMessageBytes: -1,
      maxQueueMessages: 1.5,
      maxQueueBytes: '1m',
      slowConsumer: 'wait',
      writeTimeout: 'soon',
      heartbeatInterval: -1,
      heartbeatTimeout: {},
      ackTimeout: NaN,
      box: 'big',
      offlineGrace: Infinity,
      identify: 'id',
      verifyOrigin: ['https://example.com'],
      drain: Infinity,
      maxQueue: 1,
    };
    const error = thrownBy(() => new ConnHub(wrong as object)) as InvalidOptionsError & { hub: string };
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.problems.map(({ path }) => path).sort()).toEqual(Object.keys(wrong).sort());
    expect(error.message).toMatch(/^Hub "default" has 19 bad options:/);
    expect(error.code).toBe('ERR_INVALID_OPTIONS');
  });

  it('say whose they are', () => {
    const error = thrownBy(() => new ConnHub({ name: 'chat', drain: 'x' })) as InvalidOptionsError & {
      hub: string;
    };
    expect([error.hub, error.message.split('\n')[0]]).toEqual(['chat', 'Hub "chat" has a bad option:']);
    for (const none of [null, 7, 'chat', []]) {
      expect(() => new ConnHub(none as object)).toThrow(InvalidOptionsError);
    }
  });

  it('give every hub a node of its own, unless they say one', async () => {
    const hubs = [new ConnHub(), new ConnHub(), new ConnHub({ node: 'eu-1' })];
    expect(new Set(hubs.map(({ node }) => node)).size).toBe(3);
    expect(hubs[2]?.node).toBe('eu-1');
    await Promise.all(hubs.map((hub) => hub.close()));
  });

  it('do not change the codes', () => {
    expect(CloseCode).toEqual({
      Deleted: 1000,
      GoingAway: 1001,
      Refused: 1008,
      TooBig: 1009,
      Slow: 4008,
      Replaced: 4501,
      Duplicate: 4502,
      Kicked: 4503,
    });
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
