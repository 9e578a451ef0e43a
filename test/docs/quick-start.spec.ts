import { type NodeProcess, startNode } from './node-process.js';
import { readPage } from './pages.js';
import { Workshop } from './workshop.js';

const TIME = 240_000;

/** The three files of the README, as they stand there. */
describe('the quick start', () => {
  const files = readPage('README.md').fences.filter(({ file }) => file !== undefined);
  let workshop: Workshop;
  let app: NodeProcess;

  beforeAll(() => {
    workshop = new Workshop(files);
    expect(workshop.compile()).toEqual([]);
    const main = files.find(({ file }) => file === 'app.ts');
    if (main === undefined) throw new Error('the README has no app.ts');
    app = startNode([workshop.pathOf(main)], { PORT: '0' });
  }, TIME);
  afterAll(() => {
    app.kill('SIGKILL');
    workshop.remove();
  });

  it(
    'answers at the address it prints, and exits with code 0 at SIGTERM',
    async () => {
      const [, url = ''] = await app.printed(/Try (\S+)\/hello/);
      for (const text of ['hello', 'again']) {
        const response = await fetch(`${url}/${text}`, { headers: { connection: 'close' } });
        expect([response.status, await response.text()]).toEqual([200, text]);
      }
      app.kill('SIGTERM');
      const { code, signal, stdout, stderr } = await app.ended;
      expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
      expect(stdout).toMatch(/Pool "echo" closed in \d+ ms: 1 connection, 0 by force/);
    },
    TIME,
  );
});
