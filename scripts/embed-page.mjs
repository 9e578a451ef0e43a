// Puts the dashboard's page, and the chart library that it uses, into the compiled package: it reads no file when it runs.
import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const compiled = (format, file) =>
  fileURLToPath(new URL(`../dist/${format}/dashboard/${file}`, import.meta.url));

const asModule = {
  esm: (texts) => `const PARTS = ${texts};\nexport const pageParts = () => PARTS;\n`,
  cjs: (texts) => `'use strict';\nconst PARTS = ${texts};\nexports.pageParts = () => PARTS;\n`,
};

/** To be called in the checkout, once lib/ has been compiled. */
export async function embedPage() {
  const { pageParts } = await import(pathToFileURL(compiled('esm', 'page-parts.js')));
  const texts = JSON.stringify(pageParts(), null, 2);
  for (const [format, write] of Object.entries(asModule)) {
    await writeFile(compiled(format, 'page-parts.js'), write(texts));
    // It maps what is not there any more.
    await rm(compiled(format, 'page-parts.js.map'), { force: true });
  }
}
