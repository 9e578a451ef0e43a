import { jest } from '@jest/globals';
import type { ConnHubOptions } from 'nestjs-conn-pool/hub';
import type { ServerOptions } from 'ws';
import { House } from './house.js';

/**
 * Hubs of one `describe`. After each test they are closed; no warning and no rejection that nobody handles may have been
 * left.
 */
export function houses(): <M = unknown>(
  options?: ConnHubOptions<M> & { name?: string; node?: string },
  serverOptions?: ServerOptions,
) => Promise<House<M>> {
  jest.setTimeout(30_000);
  const open: { close(): Promise<void> }[] = [];
  const complaints: unknown[] = [];
  const complain = (what: unknown): void => void complaints.push(what);
  beforeAll(() => void process.on('unhandledRejection', complain).on('warning', complain));
  afterAll(() => void process.off('unhandledRejection', complain).off('warning', complain));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((house) => house.close()));
    expect(complaints.splice(0)).toEqual([]);
  });
  return async (options, serverOptions) => {
    const house = await House.open(options, serverOptions);
    open.push(house);
    return house;
  };
}
