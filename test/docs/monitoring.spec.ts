import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { ConnPoolModule } from 'nestjs-conn-pool';
import { ConnHubModule, memoryBackplane } from 'nestjs-conn-pool/hub';
import { ConnPoolPrometheusModule } from 'nestjs-conn-pool/prometheus';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from '../nest/applications.js';
import { readPage, ROOT, tableUnder } from './pages.js';

const page = readPage('docs/monitoring.md');
const dashboard = readFileSync(join(ROOT, 'docs/monitoring/grafana-dashboard.json'), 'utf8');
const alerts = page.fences.find(({ language }) => language === 'yaml')?.lines.join('\n') ?? '';

interface Exposed {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

describe('docs/monitoring.md', () => {
  const { boot } = applications();
  let exposed: Exposed[];

  beforeEach(async () => {
    const registry = new Registry();
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'a', connector: fakeConnector() }),
        ConnHubModule.forRoot({ backplane: memoryBackplane() }),
        ConnHubModule.forFeature({ name: 'b' }),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    exposed = (await registry.getMetricsAsJSON()).map(({ name, type, values }) => ({
      name,
      type: String(type),
      labels: Object.keys(values.at(-1)?.labels ?? {}),
    }));
  });

  /** Every series that there is. */
  const series = (): Set<string> =>
    new Set(
      exposed.flatMap(({ name, type }) =>
        type === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
      ),
    );
  const unknownIn = (text: string): string[] =>
    (text.match(/\bconn_(pool|hub)_\w+/g) ?? []).filter((name) => !series().has(name));

  it('lists every metric with its type and labels, and no other', () => {
    const listed = tableUnder(page, 'Metrics').map(([name = '', type = '', labels = '']) => ({
      name: name.replaceAll('`', ''),
      type,
      labels: labels.replaceAll('`', '').split(', '),
    }));
    expect(listed).toEqual(exposed);
  });

  it('has a dashboard of metrics that exist, and shows each that can go wrong', () => {
    const { panels } = JSON.parse(dashboard) as { panels: { id: number; targets: { expr: string }[] }[] };
    expect(panels.length).toBeGreaterThan(9);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(unknownIn(dashboard)).toEqual([]);
    for (const shown of ['conn_pool_connections', 'conn_pool_waiting', 'conn_pool_wait_seconds_bucket'])
      expect(dashboard).toContain(shown);
  });

  it('has five alerts on metrics that exist, each with its reason and what to do first', () => {
    const rules = alerts.split('- alert: ').slice(1);
    expect(rules).toHaveLength(5);
    for (const rule of rules) expect(rule).toMatch(/expr: .+[^]*reason: .+[^]*first: .+/);
    expect(unknownIn(alerts)).toEqual([]);
  });

  it('names no metric in its text that there is not', () => {
    const own = page.lines.join('\n').replaceAll('shop_conn_pool_waiting', '');
    expect(unknownIn(own)).toEqual([]);
  });

  it('has alerts and queries that promtool takes', () => {
    if (spawnSync('promtool', ['--version']).error !== undefined) {
      process.stderr.write('SKIPPED: there is no promtool (Debian: apt-get install prometheus)\n');
      return;
    }
    const dir = mkdtempSync(join(tmpdir(), 'conn-pool-alerts-'));
    try {
      const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
      const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      const records = queries.map((expr, place) => ({
        record: `dashboard:query:${place}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$pool', '.*'),
      }));
      writeFileSync(join(dir, 'alerts.yml'), alerts);
      writeFileSync(
        join(dir, 'dashboard.yml'),
        JSON.stringify({ groups: [{ name: 'dashboard', rules: records }] }),
      );
      for (const file of ['alerts.yml', 'dashboard.yml']) {
        const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', join(dir, file)], {
          encoding: 'utf8',
        });
        expect({ file, status, said: status === 0 ? '' : stdout + stderr }).toEqual({
          file,
          status: 0,
          said: '',
        });
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
