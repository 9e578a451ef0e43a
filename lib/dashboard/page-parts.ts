import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What the page is made of. */
export interface PageParts {
  /** The document, with a place for each of the others. */
  readonly page: string;
  readonly style: string;
  /** uPlot, which draws the charts. */
  readonly library: string;
  readonly script: string;
}

/** In this order; each may use what stands before it. */
const MODULES = [
  'format',
  'dom',
  'confirmation',
  'chart',
  'course',
  'connection-table',
  'pool-card',
  'hub-card',
  'event-log',
  'overview',
  'stream',
  'main',
];

/**
 * The parts of the page, put together from the folder `page` beside this file and from the development package `uplot`.
 * The build replaces this module by one that holds what it gives, so the published package reads no file; here the
 * checkout is where Node was started.
 */
export function pageParts(): PageParts {
  const checkout = process.cwd();
  const own = (name: string): string => readFileSync(join(checkout, 'lib/dashboard/page', name), 'utf8');
  const packages = createRequire(join(checkout, 'package.json'));
  const uplot = (name: string): string => readFileSync(packages.resolve(`uplot/${name}`), 'utf8');
  return {
    page: own('page.html'),
    style: `${uplot('dist/uPlot.min.css')}\n${own('style.css')}`,
    library: `/*\n${uplot('LICENSE')}*/\n${uplot('dist/uPlot.iife.min.js')}`,
    script: MODULES.map((name) => asOnePart(own(`${name}.js`))).join('\n'),
  };
}

/** A module of the page without its imports and exports: all of them share one scope. */
function asOnePart(module: string): string {
  return module.replace(/^import [^;]+;\n/gm, '').replace(/^export /gm, '');
}
