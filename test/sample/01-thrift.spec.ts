import { jest } from '@jest/globals';
import { StreamReader } from '../dashboard/stream-reader.js';
import { poolIn } from '../dashboard/house.js';
import { type NodeProcess, startNode } from '../docs/node-process.js';
import { CompiledSample } from './compiled-sample.js';

jest.setTimeout(60_000);

describe('the sample in a process of its own', () => {
  let sample: CompiledSample;
  let started: NodeProcess | undefined;
  beforeAll(async () => void (sample = await CompiledSample.of('01-thrift')));
  afterEach(() => started?.kill('SIGKILL'));
  afterAll(() => sample.remove());

  /** Starts it and watches its page. */
  async function watch(...args: string[]): Promise<StreamReader> {
    started = startNode([sample.main, ...args], { PORT: '0' });
    const [, url = ''] = await started.printed(/Watch (http:\S+)/);
    expect(await (await fetch(url)).text()).toContain('<h1>Echo</h1>');
    return StreamReader.open(`${url}/stream`);
  }

  /** With somebody watching. */
  async function end(): Promise<void> {
    started?.kill('SIGINT');
    const { code, signal } = (await started?.ended) ?? {};
    expect({ code, signal }).toEqual({ code: 0, signal: null });
  }

  it('shows a page on which nothing moves, and ends with 0 at Ctrl-C', async () => {
    const reader = await watch();
    expect(poolIn(await reader.next('snapshot'), 'thrift')).toMatchObject({ mood: 'ok', leased: 0, max: 10 });
    await end();
  });

  it('shows a page with moving values when it is told to make a load', async () => {
    const reader = await watch('--load');
    for (let borrower = 0; borrower < 3; borrower += 1)
      await reader.next('snapshot', (message) => poolIn(message, 'thrift').leased > 0);
    await reader.next('point', ({ data }) => {
      const { pools } = data as { pools: Record<string, { wait?: { p99: number } }> };
      return pools.thrift?.wait !== undefined;
    });
    await end();
  });
});
