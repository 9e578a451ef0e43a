import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const stateless = [
  {
    selector:
      'Program > VariableDeclaration[kind="let"], Program > ExportNamedDeclaration > VariableDeclaration[kind="let"]',
    message: 'No module-level state: two applications in one process share nothing.',
  },
  {
    selector: 'PropertyDefinition[static=true]',
    message: 'No statics: two applications in one process share nothing.',
  },
];

const nestByItsRoots = {
  regex: '^@nestjs/[^/]+/.',
  message: 'Only package roots: deep paths differ between Nest 11 and 12.',
};
const towardsNest = {
  group: ['@nestjs/*', '**/nest/**', '**/terminus/**', '**/thrift/**', 'thrift'],
  message: 'What stands lower knows nothing of what stands higher.',
};
const towardsSockets = {
  group: ['net', 'tls', 'dgram', 'node:net', 'node:tls', 'node:dgram'],
  message: 'The engine knows no sockets.',
};

/** The engine reaches time only through its clock, or FakeClock would not hold it. */
const time = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map(
  (name) => ({
    name,
    message: 'The engine has one door to time: its PoolClock.',
  }),
);

export default defineConfig(
  { ignores: ['build/', 'coverage/', 'dist/', '**/gen/', 'test/consumer/**/*.ts'] },
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-unused-vars': 'error',
      'no-useless-return': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { ts: tseslint.plugin },
    rules: {
      // The compiler finds these.
      'no-unused-vars': 'off',
      'ts/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      'ts/no-floating-promises': 'error',
      'ts/no-misused-promises': 'error',
      'ts/only-throw-error': ['error', { allowThrowingUnknown: true, allowThrowingAny: false }],
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-imports': ['error', { patterns: [nestByItsRoots] }],
      'no-restricted-syntax': ['error', ...stateless],
      'ts/await-thenable': 'error',
      'ts/no-explicit-any': 'error',
    },
  },
  {
    files: ['lib/core/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [towardsNest, towardsSockets] }],
    },
  },
  {
    files: ['lib/net/**/*.ts', 'lib/tcp/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [towardsNest] }] },
  },
  {
    files: ['lib/core/**/*.ts'],
    ignores: ['lib/core/clock.ts'],
    rules: { 'no-restricted-globals': ['error', ...time] },
  },
);
