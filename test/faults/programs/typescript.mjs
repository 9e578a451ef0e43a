import { register } from 'node:module';

// node --import ./typescript.mjs program.ts
register('./typescript-hooks.mjs', import.meta.url);
