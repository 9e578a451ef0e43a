import { NestFactory } from '@nestjs/core';
import { ConnPoolModule, getPoolToken } from '../../dist/esm/index.js';
import { ConnPoolPrometheusModule } from '../../dist/esm/prometheus/index.js';
import { connectorOf, underTest } from './nestjs-conn-pool.mjs';

class App {}

/**
 * The built package in an application that is scraped: each borrowing is counted into histograms of how long acquires wait
 * and leases last.
 *
 * @type {import('../adapter.mjs').OpenPool}
 */
export async function open({ max, acquireTimeout, make }) {
  const definition = { name: 'bench', connector: connectorOf(make), max, acquireTimeout };
  const app = await NestFactory.createApplicationContext(
    {
      module: App,
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(definition),
        ConnPoolPrometheusModule.forRoot(),
      ],
    },
    { logger: false },
  );
  return underTest(app.get(getPoolToken('bench'), { strict: false }));
}
