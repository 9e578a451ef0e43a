export default {
  testEnvironment: 'node',
  // A bound for what hangs, not a measure of speed: two cores may be busy with other things.
  testTimeout: 120_000,
  // Many tests wait for servers, clocks and children; one core less than there are, as Jest would have it, is mostly idle.
  maxWorkers: '100%',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/consumer/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/build/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-conn-pool$': '<rootDir>/lib/index.ts',
    '^nestjs-conn-pool/(.*)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    // thrift 0.24 requires it, and Jest cannot require an ES module on Node 20.
    '/node_modules/uuid/.+\\.js$': [
      '@swc/jest',
      { swcrc: false, jsc: { target: 'es2022' }, module: { type: 'commonjs' } },
    ],
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!uuid/)'],
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts'],
};
