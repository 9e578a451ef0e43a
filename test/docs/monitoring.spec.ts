import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { ConnPoolModule } from 'nestjs-conn-pool';
import { ConnHubModule, memoryBackplane } from 'nestjs-conn-pool/hub';
import { ConnPoolPrometheusModule } from 'nestjs-conn-pool/prometheus';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { describeWith } from '../describe-with.js';
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

  describeWith(['promtool'], 'its alerts and queries', () => {
    let dir: string;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'conn-pool-alerts-'));
      writeFileSync(join(dir, 'alerts.yml'), alerts);
    });
    afterEach(() => rmSync(dir, { recursive: true, force: true }));

    const promtool = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', cwd: dir });
      return status === 0 ? '' : `${status}: ${stdout}${stderr}`;
    };

    it('are such as Prometheus takes', () => {
      const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
      const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      const records = queries.map((expr, place) => ({
        record: `dashboard:query:${place}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$pool', '.*'),
      }));
      writeFileSync(
        join(dir, 'dashboard.yml'),
        JSON.stringify({ groups: [{ name: 'dashboard', rules: records }] }),
      );
      for (const file of ['alerts.yml', 'dashboard.yml']) expect(promtool('check', 'rules', file)).toBe('');
    });

    const FAILURES = 'conn_pool_acquire_failures_total{pool="p",instance="i",reason="timeout"}';
    const BAD_DIALS = 'conn_pool_dial_failures_total{pool="p",instance="i"}';
    const DIALS = 'conn_pool_dialed_total{pool="p",instance="i"}';
    const waits = (le: string) => `conn_pool_wait_seconds_bucket{pool="p",instance="i",le="${le}"}`;
    /** Acquires and dials that fail alike: a value a scrape, as promtool writes them. */
    const both = (values: string, dialed = '5x200') => ({
      [FAILURES]: values,
      [BAD_DIALS]: values,
      [DIALS]: dialed,
    });
    const OUTAGE = ['ConnPoolAcquiresFail', 'ConnPoolCannotDial'];

    it.each<[what: string, scrape: string, minutes: number, series: Record<string, string>, fired: string[]]>(
      [
        ['no alert of one failure', '15s', 30, both('0x8 1x120'), []],
        ['no alert of many at one instant', '15s', 30, both('0x8 500x120'), []],
        ['no alert of a burst of half a minute', '15s', 30, both('0x8 5 9 20x120'), []],
        ['no alert of one failure at slow scrapes', '60s', 30, both('0x4 1x30'), []],
        ['no alert of a burst of three quarters of a minute', '15s', 30, both('0x8 5 9 20 27x120'), []],
        ['alerts of an outage that follows on a success', '15s', 9, both('0x8 1+1x40', '0+1x8 8x40'), OUTAGE],
        ['alerts of an outage, after little more than three minutes', '15s', 6, both('0x8 1+1x20'), OUTAGE],
        ['alerts of an outage at slow scrapes', '60s', 12, both('0x4 1+1x20'), OUTAGE],
        [
          'alerts where little is asked for and fails each time',
          '15s',
          30,
          both('0x8 1x16 2x16 3x16 4x16 5x60'),
          OUTAGE,
        ],
        [
          'no alert of dials while others succeed',
          '15s',
          30,
          both('0x8 1+1x120', '0+1x130'),
          ['ConnPoolAcquiresFail'],
        ],
        [
          'an alert of a line that never ends',
          '15s',
          15,
          { 'conn_pool_waiting{pool="p"}': '0x8 3x60' },
          ['ConnPoolSaturated'],
        ],
        [
          'no alert of a line that comes and goes',
          '15s',
          30,
          { 'conn_pool_waiting{pool="p"}': '3x15 0 3x15 0 3x15 0 3x15 0 3x15 0 3x15 0' },
          [],
        ],
        [
          'an alert of waits that are long again and again',
          '15s',
          20,
          { [waits('0.5')]: '0+90x90', [waits('1')]: '0+100x90', [waits('+Inf')]: '0+100x90' },
          ['ConnPoolSlowToLend'],
        ],
        [
          'no alert of waits that were long once',
          '15s',
          30,
          { [waits('0.5')]: '0x8 90x120', [waits('1')]: '0x8 100x120', [waits('+Inf')]: '0x8 100x120' },
          [],
        ],
        [
          'an alert of one leak',
          '15s',
          5,
          { 'conn_pool_leaks_total{pool="p"}': '0x8 1x20' },
          ['ConnPoolLeaks'],
        ],
      ],
    )('raise %s', (_what, scrape, minutes, series, fired) => {
      const test = {
        interval: scrape,
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: 'count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[1h]))',
            eval_time: `${minutes}m`,
            exp_samples: fired.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
          },
        ],
      };
      const file = { rule_files: ['alerts.yml'], evaluation_interval: '15s', tests: [test] };
      writeFileSync(join(dir, 'scene.yml'), JSON.stringify(file));
      expect(promtool('test', 'rules', 'scene.yml')).toBe('');
    });
  });
});
