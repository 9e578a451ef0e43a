import { jest } from '@jest/globals';
import { KeepAliveClient } from './http-client.js';
import { type Program, Programs } from './program.js';

jest.setTimeout(60_000);

describe('an application in a process of its own', () => {
  let programs: Programs;
  const started: Program[] = [];
  beforeAll(async () => void (programs = await Programs.compile()));
  afterEach(() => started.splice(0).forEach((program) => program.kill('SIGKILL')));
  afterAll(() => programs.remove());

  async function stopWhileServing(adapter: string, exit: string) {
    const program = programs.run('shutdown', adapter, exit);
    started.push(program);
    const [, port] = await program.says(/listening (\d+)/);
    const client = new KeepAliveClient(Number(port));
    const asked = client.get('/slow');
    await program.says(/asked/);
    program.kill('SIGTERM');
    const answer = await asked;
    const end = await program.end();
    client.close();
    return { answer, end, output: program.output };
  }

  it.each(['Express', 'Fastify'])(
    'answers a request at SIGTERM and ends with code 0 (%s)',
    async (adapter) => {
      const { answer, end, output } = await stopWhileServing(adapter, 'exit');
      expect(answer).toEqual({ status: 200, body: 'served by 1' });
      expect(end).toEqual({ code: 0, signal: null });
      expect(output).toContain('connection closed');
    },
  );

  it('answers it without useProcessExit, too, and ends by the signal', async () => {
    const { answer, end, output } = await stopWhileServing('Express', 'signal');
    expect(answer.status).toBe(200);
    expect(end).toEqual({ code: null, signal: 'SIGTERM' });
    expect(output).toContain('connection closed');
  });

  it('does not begin with a pool that nobody registers, and says which there are', async () => {
    const program = programs.run('unknown-pool');
    started.push(program);
    const { code } = await program.end();
    expect(code).not.toBe(0);
    expect(program.output).toContain('Pool "thrfit" is not registered (known: "thrift")');
  });

  it('needs @nestjs/config for connPoolConfig.asProvider() only', async () => {
    const program = programs.run('without-config');
    started.push(program);
    await expect(program.end()).resolves.toEqual({ code: 0, signal: null });
    expect(program.output).toBe(
      'works without\n' +
        'refused: connPoolConfig.asProvider() needs @nestjs/config, which cannot be loaded. Install it.\n',
    );
  });
});
