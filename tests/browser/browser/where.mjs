import { fileURLToPath } from 'node:url';

/** Where the browser is unpacked. */
export const DIR = fileURLToPath(new URL('../node_modules/.chromium', import.meta.url));
