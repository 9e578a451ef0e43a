import { jest } from '@jest/globals';
import type { Browser, Locator, Page } from 'playwright-core';
import { PoolRegistry } from 'nestjs-conn-pool';
import { ConnHubModule } from 'nestjs-conn-pool/hub';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { DashboardFeed } from '../../lib/dashboard/dashboard-feed.js';
import { until } from '../nest/until.js';
import { describeWithChromium } from '../sample/chromium.js';
import { House } from './house.js';

jest.setTimeout(60_000);

/** In the page: every text that is seen, with how its colour stands out from what is behind it. */
const CONTRASTS = `(() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const brightness = ([red, green, blue]) =>
    0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const seen = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (own.length === 0 || !element.checkVisibility() || element.closest('script, style, .skip')) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const [dark, light] = [brightness(channels(color)), brightness(behind(element))].sort((a, b) => a - b);
    const isLarge = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && fontWeight >= 700);
    seen.push({ text: element.className + ': ' + own[0].data.trim(), ratio: (light + 0.05) / (dark + 0.05), least: isLarge ? 3 : 4.5 });
  }
  return seen;
})()`;

/** In the page: whether all charts have been drawn as wide as they may be. */
const CHARTS_FIT = `[...document.querySelectorAll('.chart')].every((chart) => {
  const { width } = chart.querySelector('.uplot')?.getBoundingClientRect() ?? {};
  return Math.abs(chart.clientWidth - width) < 2;
})`;

/** What tells states apart, and must differ from what it lies on. */
const MARKS = ['leased', 'idle', 'dialing', 'checking', 'closing', 'waiting', 'p50', 'p95', 'p99'];

interface Contrast {
  readonly text: string;
  readonly ratio: number;
  readonly least: number;
}

describeWithChromium('the look of a dashboard', (launch) => {
  let browser: Browser;
  let house: House;
  let page: Page;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    await page.close();
    await house.close();
  });

  const card = (pool: string): Locator => page.getByRole('region', { name: `Pool ${pool}` });

  async function open(colorScheme: 'light' | 'dark' = 'light'): Promise<void> {
    page = await browser.newPage({ colorScheme });
    await page.goto(`${house.url}/conn-pool`);
    await page.getByText('Live').waitFor();
  }

  /** A pool of each mood that stays. */
  async function everyMood(): Promise<void> {
    house = await House.open({
      dashboard: { actions: true },
      imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat' })],
    });
    const registry = house.app.get(PoolRegistry);
    const create = (name: string, connector = fakeConnector()) =>
      registry.create({ name, connector, max: 1, acquireTimeout: 0, dialAttempts: 99 });
    await open();
    await (await create('busy')).acquire();
    const exhausted = await create('exhausted');
    await exhausted.acquire();
    exhausted.acquire().catch(() => undefined);
    const failing = fakeConnector();
    failing.dial.always({ fail: new Error('no route to host') });
    (await create('failing', failing)).acquire().catch(() => undefined);
    const hanging = fakeConnector();
    hanging.dial.always('hang');
    (await create('dialing', hanging)).acquire().catch(() => undefined);
    (await create('paused')).pause();
    const moods = { busy: 'All in use', exhausted: 'Exhausted', failing: 'Dials fail', paused: 'Paused' };
    for (const [name, mood] of Object.entries({ ...moods, echo: 'Healthy', dialing: 'Waiting for dials' }))
      await card(name).locator('.pill', { hasText: mood }).waitFor();
    await page.locator('#log li[data-level=bad]').first().waitFor();
    for (const fold of await page.locator('.fold > summary').all()) await fold.click();
    await card('echo').getByRole('button', { name: 'Pause…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.locator('#toast').waitFor();
    await card('failing').getByRole('button', { name: 'Resize…' }).click();
  }

  it('has texts that stand out, whatever they say, in light and in dark', async () => {
    await everyMood();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const seen = await page.evaluate<Contrast[]>(CONTRASTS);
      expect(seen.length).toBeGreaterThan(100);
      const faint = seen.filter(({ ratio, least }) => ratio < least);
      expect({ colorScheme, faint }).toEqual({ colorScheme, faint: [] });
    }
  });

  it('tells states apart by colours of its own in light and in dark, also in its charts', async () => {
    house = await House.open();
    await (await house.pool.acquire()).release();
    await open('light');
    await card('echo').locator('canvas').first().waitFor();
    const colours = (): Promise<string[]> =>
      page.evaluate<string[]>(
        `(() => { const all = getComputedStyle(document.documentElement);
          return ${JSON.stringify([...MARKS, 'track', 'card', 'page', 'ink', 'line'])}.map((name) => all.getPropertyValue('--' + name).trim()); })()`,
      );
    const light = await colours();
    await until(() => hasPixel('line'));
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await colours();
    for (const all of [light, dark]) {
      const states = all.slice(0, MARKS.indexOf('p50'));
      expect(new Set([...states, ...all.slice(MARKS.length, MARKS.length + 2)]).size).toBe(states.length + 2);
    }
    expect(light.filter((colour, index) => colour === dark[index])).toEqual([]);
    await until(() => hasPixel('line'));
  });

  /** Of the first chart: whether something in it has exactly this colour of the present scheme. */
  function hasPixel(colour: string): Promise<boolean> {
    return page.evaluate<boolean>(`(() => {
      const wanted = getComputedStyle(document.documentElement).getPropertyValue('--${colour}').trim();
      const canvas = document.querySelector('#pool-echo canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) {
        const pixel = '#' + [data[at], data[at + 1], data[at + 2]].map((value) => value.toString(16).padStart(2, '0')).join('');
        if (data[at + 3] === 255 && pixel === wanted) return true;
      }
      return false;
    })()`);
  }

  it('has charts that become narrower with the window', async () => {
    house = await House.open();
    await open();
    for (const width of [1440, 390, 1100]) {
      await page.setViewportSize({ width, height: 800 });
      await until(() => page.evaluate<boolean>(CHARTS_FIT));
    }
  });

  it('lets go a minute after it has been hidden, and comes back when it is looked at', async () => {
    house = await House.open();
    const feed = house.app.get(DashboardFeed, { strict: false });
    page = await browser.newPage();
    await page.clock.install();
    await page.goto(`${house.url}/conn-pool`);
    await page.getByText('Live').waitFor();
    const hide = (hidden: boolean): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'));`,
      );
    // Otherwise the time that the machine takes would count, too.
    await page.clock.pauseAt(Date.now() + 10_000);
    await hide(true);
    await page.clock.runFor(59_000);
    // So long without a message it has connected anew.
    await until(() => feed.size === 1);
    expect(await page.getByText('Asleep').count()).toBe(0);
    await page.clock.runFor(1000);
    await page.getByText('Asleep').waitFor();
    await until(() => feed.size === 0);
    await page.clock.resume();
    await hide(false);
    await page.getByText('Live').waitFor();
    expect(feed.size).toBe(1);
  });
});
