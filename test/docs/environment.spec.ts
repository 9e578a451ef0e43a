import { readEnvironment } from '../../lib/nest/environment.js';
import { pages } from './pages.js';

const files = pages()
  .flatMap(({ fences }) => fences)
  .filter(({ language }) => language === 'dotenv');

describe('the environment in the pages', () => {
  it.each(files.map(({ page, line, lines }) => [`${page}:${line}`, lines] as const))(
    '%s is taken',
    (_place, lines) => {
      const assignments = lines.filter((line) => line !== '' && !line.startsWith('#'));
      const variables = Object.fromEntries(assignments.map((line) => line.split('=', 2))) as Record<
        string,
        string
      >;
      const { defaults, pools } = readEnvironment(variables);
      expect(Object.keys(defaults).length + Object.keys(pools).length).toBeGreaterThan(0);
    },
  );
});
