import { KeyedConnPool } from 'nestjs-conn-pool/core';

describe('the options of a pool by keys', () => {
  it.each<[object, string[]]>([
    [{ max: 0 }, ['max']],
    [{ max: 1.5 }, ['max']],
    [{ maxPerKey: 0 }, ['maxPerKey']],
    [{ maxIdle: -1 }, ['maxIdle']],
    [{ maxIdlePerKey: '2' }, ['maxIdlePerKey']],
    [{ keyOf: 'id' }, ['keyOf']],
    [{ min: 1 }, ['min']],
    [{ maxPerkey: 3 }, ['maxPerkey']],
    [{ max: 'many', maxLifetime: 'long', keyOf: 5 }, ['max', 'maxLifetime', 'keyOf']],
  ])('%o are refused, each by its name', (options, paths) => {
    let problems: readonly { path: string }[] = [];
    try {
      void new KeyedConnPool({ dial: () => 1, close: () => undefined }, options as never);
    } catch (error) {
      ({ problems } = error as { problems: typeof problems });
    }
    expect(problems.map(({ path }) => path).sort()).toEqual([...paths].sort());
  });

  it.each(['max', 'maxPerKey', 'maxIdle', 'maxIdlePerKey'])(
    'may say of %s that there is no limit',
    (option) => {
      const connector = { dial: () => 1, close: () => undefined };
      expect(() => new KeyedConnPool(connector, { [option]: Infinity })).not.toThrow();
      expect(() => new KeyedConnPool(connector, { [option]: NaN })).toThrow(/Infinity/);
    },
  );

  it('are told together with what the connector lacks', () => {
    expect(() => new KeyedConnPool({ close: () => undefined } as never, { max: 0 })).toThrow(
      /2 bad options[^]*connector\.dial[^]*max|max[^]*connector\.dial/,
    );
  });
});
