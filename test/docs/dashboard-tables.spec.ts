import { DASHBOARD_ACTIONS } from '../../lib/dashboard/actions.js';
import { DEFAULT_PATH, resolveDashboardOptions } from '../../lib/dashboard/dashboard-options.js';
import { parseDuration } from '../../lib/core/duration.js';
import { readPage, tableUnder } from './pages.js';

const page = readPage('docs/dashboard.md');
const unquoted = (cell = ''): string => cell.replaceAll('`', '').replaceAll("'", '');

describe('the tables of docs/dashboard.md', () => {
  it('have every option with its default', () => {
    const documented = Object.fromEntries(
      tableUnder(page, 'Options').map(([name, given]) => [unquoted(name), unquoted(given)]),
    );
    const { title, interval, actions, enabled } = resolveDashboardOptions(undefined, {});
    expect(parseDuration(documented.interval)).toBe(interval);
    expect(actions).toEqual([]);
    expect(documented).toEqual({
      path: DEFAULT_PATH,
      guards: 'none',
      imports: 'none',
      title,
      interval: documented.interval,
      actions: 'false',
      unguarded: 'false',
      enabled: String(enabled),
      hosts: 'none without guards, any with guards',
    });
  });

  it('have every action', () => {
    const documented = tableUnder(page, 'Actions').flatMap(([names]) => unquoted(names).split(', '));
    expect(documented.sort()).toEqual([...DASHBOARD_ACTIONS].sort());
  });
});
