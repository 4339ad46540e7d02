import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Puts `name.gz` beside each file that gets smaller by it: the function has no time to compress. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      const dir = join(import.meta.dirname, 'dist');
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(html|js|css|svg|ttf)$/.test(name)) continue;
        const file = join(dir, name);
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      }
    },
  };
}

// `npm run dev` passes the API's calls on to the stack that `make up` started.
// Its name ends in .localhost, which browsers know and the system's resolver does not.
const api = process.env.LETHE_URL ? new URL(process.env.LETHE_URL) : undefined;
const calls = '^/(?!console(/|$)|$).*';

export default defineConfig({
  base: '/console/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { target: 'es2023', cssTarget: ['chrome123', 'firefox120', 'safari17.5'], assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 600 },
  server: { proxy: api ? { [calls]: { target: `http://127.0.0.1:${api.port}`, headers: { host: api.host } } } : {} },
  plugins: [compressed()],
});
