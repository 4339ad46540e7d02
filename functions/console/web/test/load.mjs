// Loads a module of the page, TypeScript and all, as Vite would.

import { runnerImport } from 'vite';

export const load = async (name) => (await runnerImport(new URL(`../src/${name}.ts`, import.meta.url).pathname, { configFile: false, logLevel: 'error' })).module;
