import { jest } from '@jest/globals';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { PoolRegistry } from 'nestjs-conn-pool';
import { ConnHubModule } from 'nestjs-conn-pool/hub';
import { DashboardFeed } from '../../lib/dashboard/dashboard-feed.js';
import { until } from '../nest/until.js';
import { describeWithChromium } from '../sample/chromium.js';
import { ADAPTERS, House, type HouseOptions } from './house.js';

jest.setTimeout(60_000);

describeWithChromium('the page of a dashboard', (launch) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  describe.each(ADAPTERS)('on %s', (name, adapter) => {
    let house: House;
    let page: Page;
    /** What the browser complains of, and what it asks anybody for. */
    let complaints: string[];
    let asked: string[];

    async function open(
      options: HouseOptions = {},
      context: BrowserContextOptions = {},
      path = '/conn-pool',
    ): Promise<void> {
      house = await House.open({ adapter, dashboard: { actions: true }, ...options });
      page = await browser.newPage(context);
      complaints = [];
      asked = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => void complaints.push(error.message));
      page.on('request', (request) => void asked.push(request.url()));
      await page.goto(`${house.url}${path}`);
      await page.getByText('Live').waitFor();
    }

    afterEach(async () => {
      await page.close();
      await house.close();
    });

    const card = (pool = 'echo'): Locator => page.getByRole('region', { name: `Pool ${pool}` });
    const says = (text: string | RegExp): Promise<void> => card().getByText(text).first().waitFor();
    const figure = (number: number): Promise<string> => card().locator('.figure b').nth(number).innerText();

    it('is drawn with nothing from elsewhere and no complaint of the browser', async () => {
      await open({ imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' })] });
      await card().locator('canvas').nth(2).waitFor();
      await page.getByRole('region', { name: 'Hub chat' }).getByText('Healthy').waitFor();
      expect(complaints).toEqual([]);
      expect(asked).toEqual([`${house.url}/conn-pool`, `${house.url}/conn-pool/stream`]);
    });

    it('changes its values when the load changes', async () => {
      await open();
      expect(await figure(0)).toBe('0');
      const lease = await house.pool.acquire();
      await until(async () => (await figure(0)) === '1');
      const bar = card().getByRole('img', { name: /^Connections/ });
      expect(await bar.getAttribute('aria-label')).toBe('Connections: 1 in use; at most 2');
      expect(
        await bar
          .locator('.leased')
          .evaluate((part) => (part as unknown as { style: { width: string } }).style.width),
      ).toBe('50%');
      await page.getByText('Connection 1 dialled').waitFor();
      await card().getByText('Connections').first().click();
      await card()
        .getByRole('row', { name: /^1 in use/ })
        .waitFor();
      lease.release();
      await card()
        .getByRole('row', { name: /^1 idle/ })
        .waitFor();
      expect(await figure(0)).toBe('0');
    });

    it('shows an exhausted pool within a second, and who waits', async () => {
      // As users have it.
      await open({ dashboard: { interval: undefined } });
      const taken: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        const leases = [await house.pool.acquire(), await house.pool.acquire()];
        await says('All in use');
        const waiter = house.pool.acquire();
        const begun = performance.now();
        await says('Exhausted');
        taken.push(performance.now() - begun);
        await says('1 acquire in line');
        expect(await card().locator('.dots i').count()).toBe(1);
        expect(await page.title()).toBe('⚠ echo: exhausted · Connections');
        for (const lease of leases) lease.release();
        (await waiter).release();
        await says('Healthy');
        await says('Nobody in line');
        expect(await page.title()).toBe('Connections');
      }
      // A busy machine may be late once.
      expect(Math.min(...taken)).toBeLessThan(1000);
    });

    it('tells who holds a connection, where leaks are looked for', async () => {
      await open();
      const lease = await house.pool.acquire();
      await card().getByText('Connections').first().click();
      const row = card().getByRole('row', { name: /^1 in use/ });
      expect(await row.locator('summary').innerText()).not.toMatch(/ConnPool|Promise/);
      await row.locator('summary').click();
      expect(await row.locator('pre').innerText()).toContain('page.spec');
      lease.release();
    });

    it('tells why dials fail, and that they succeed again', async () => {
      await open();
      house.connector.dial.always({ fail: new Error('no route to host') });
      await expect(house.pool.acquire({ timeout: 20 })).rejects.toThrow();
      await says('Dials fail');
      await says('Dials fail: no route to host');
      house.connector.dial.always('ok');
      await until(async () => (await house.pool.warmUp(1).catch(() => 0)) === 1);
      await says('Healthy');
    });

    it('tells what repeats itself in one line, and only problems when that is wanted', async () => {
      await open();
      (await house.pool.acquire()).release();
      await page.getByText('Connection 1 dialled').waitFor();
      house.pool.evictAll();
      house.connector.dial.always({ fail: new Error('no route to host') });
      for (let count = 0; count < 3; count += 1)
        await expect(house.pool.acquire({ timeout: 300 })).rejects.toThrow();
      const failures = page.locator('#log li', { hasText: 'Dial failed: no route to host' });
      await failures.first().getByText(/^×\d/).waitFor();
      await page.getByRole('button', { name: 'Only problems' }).click();
      await page.getByText('Connection 1 dialled').waitFor({ state: 'hidden' });
      expect(await failures.first().isVisible()).toBe(true);
      await page.getByRole('button', { name: 'Only problems' }).click();
      await page.getByText('Connection 1 dialled').waitFor();
    });

    it('asks before it acts, and does nothing when the answer is no', async () => {
      await open();
      const dialog = page.getByRole('dialog');
      await card().getByRole('button', { name: 'Pause…' }).click();
      await dialog.getByText('Pause “echo”?').waitFor();
      expect(house.pool.state).toBe('open');
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await card().getByRole('button', { name: 'Pause…' }).click();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      expect(asked.filter((url) => url.includes('/actions'))).toEqual([]);
      expect(house.pool.state).toBe('open');

      await card().getByRole('button', { name: 'Pause…' }).click();
      await dialog.getByRole('button', { name: 'Pause' }).click();
      await page.getByText('Pool "echo" is paused.').waitFor();
      expect(house.pool.state).toBe('paused');
      await says('Paused');
    });

    it('can be steered by keys alone', async () => {
      await open();
      for (let step = 0; step < 30; step += 1) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate('document.activeElement.dataset.action')) === 'resize') break;
      }
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Control+a');
      await page.keyboard.type('5');
      await page.keyboard.press('Enter');
      await page.getByText('Pool "echo" now has max 5, min 0, maxIdle 5.').waitFor();
      expect(house.pool.stats().max).toBe(5);
      // What was not touched is not set: it goes on following.
      expect(asked.at(-1)).toBe(`${house.url}/conn-pool/actions?do=resize&pool=echo&max=5`);
    });

    it('asks for nothing where nothing was changed', async () => {
      await open();
      await card().getByRole('button', { name: 'Resize…' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Resize' }).click();
      await page.getByText('Nothing was changed.').waitFor();
      expect(asked.filter((url) => url.includes('/actions'))).toEqual([]);
    });

    it('refuses a size that was emptied', async () => {
      await open();
      await card().getByRole('button', { name: 'Resize…' }).click();
      await page.getByLabel('maxIdle', { exact: true }).fill('');
      await page.getByRole('dialog').getByRole('button', { name: 'Resize' }).click();
      await page
        .locator('#toast[data-bad=true]')
        .getByText(/maxIdle/)
        .waitFor();
      expect(house.pool.stats().maxIdle).toBe(2);
    });

    it('tells why an action was refused', async () => {
      await open();
      await card().getByRole('button', { name: 'Resize…' }).click();
      await page.getByLabel('max', { exact: true }).fill('0');
      await page.getByRole('dialog').getByRole('button', { name: 'Resize' }).click();
      await page
        .locator('#toast[data-bad=true]')
        .getByText(/max.*a whole number from 1/)
        .waitFor();
      // The browser reports any answer that is no success.
      expect(complaints).toEqual([expect.stringContaining('409')]);
    });

    it('has no buttons where actions are not enabled', async () => {
      await open({ dashboard: {} });
      await says('Healthy');
      expect(await card().getByRole('button').count()).toBe(0);
    });

    it('comes back by itself after a restart of the application, and may act there', async () => {
      await open();
      const { port } = house;
      await house.app.close();
      await page.getByText('Reconnecting').waitFor();
      house = await House.open({ adapter, port, dashboard: { actions: true } });
      await page.getByText('Live').waitFor();
      await page.getByText('The application has been started again').waitFor();
      const lease = await house.pool.acquire();
      await until(async () => (await figure(0)) === '1');
      await card().getByRole('button', { name: 'Close idle' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Close idle' }).click();
      await page.getByText('0 idle connections closed.').waitFor();
      lease.release();
    });

    it('tells of what another instance has seen before, and of nothing twice', async () => {
      await open();
      (await house.pool.acquire()).release();
      const dialled = page.locator('#log li', { hasText: 'Connection 1 dialled' });
      await dialled.waitFor();
      const feed = house.app.get(DashboardFeed, { strict: false });
      const { viewers } = feed as unknown as { viewers: Set<{ response: { destroy(): void } }> };
      for (const { response } of viewers) response.destroy();
      await page.getByText('Reconnecting').waitFor();
      await page.getByText('Live').waitFor();
      expect(await dialled.count()).toBe(1);

      const { port } = house;
      await page.context().setOffline(true);
      await house.app.close();
      await page.getByText('Reconnecting').waitFor();
      house = await House.open({ adapter, port, dashboard: { actions: true } });
      const other = await house.watch();
      (await house.pool.acquire()).release();
      await other.next('news');
      await page.context().setOffline(false);
      await page.getByText('The application has been started again').waitFor();
      await until(async () => (await dialled.count()) === 2);
    });

    it('shows what it can when it cannot show a pool', async () => {
      house = await House.open({ adapter });
      const reader = await house.watch();
      const hello = await reader.next('hello');
      const { data } = await reader.next('snapshot');
      const pools = [{ name: 'odd', mood: 'ok', rows: 7 }, ...(data as { pools: object[] }).pools];
      const body = [hello, { type: 'snapshot', data: { ...(data as object), pools } }]
        .map((message) => `event: ${message.type}\ndata: ${JSON.stringify(message.data)}\n\n`)
        .join('');
      page = await browser.newPage();
      await page.route('**/stream', (route) => route.fulfill({ contentType: 'text/event-stream', body }));
      await page.goto(`${house.url}/conn-pool`);
      await card('odd').getByText('Cannot be read', { exact: true }).waitFor();
      await says('Healthy');
    });

    it('does not hold up the end of the application', async () => {
      await open();
      const second = await browser.newPage();
      await second.goto(`${house.url}/conn-pool`);
      await second.getByText('Live').waitFor();
      expect(house.app.get(DashboardFeed, { strict: false }).size).toBe(2);
      const begun = performance.now();
      await house.app.close();
      expect(performance.now() - begun).toBeLessThan(1000);
      await second.close();
    });

    it('is found under a global prefix, with a query and, where the router takes it, a slash at its end', async () => {
      const path = `/api/conn-pool${name === 'Express' ? '/' : ''}?key=1`;
      await open({ prepare: (app) => app.setGlobalPrefix('api') }, {}, path);
      expect(asked.at(-1)).toBe(`${house.url}/api/conn-pool/stream?key=1`);
    });

    it('says so when there is nothing to show', async () => {
      await open();
      await house.app.get(PoolRegistry).remove('echo');
      await page.getByText('No pools and no hubs yet.').waitFor();
    });

    it.each([390, 1440])('is not wider than a window of %d', async (width) => {
      await open({}, { viewport: { width, height: 800 } });
      const lease = await house.pool.acquire();
      await card().getByText('Connections').first().click();
      await card()
        .getByRole('row', { name: /^1 in use/ })
        .waitFor();
      lease.release();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    });
  });
});
