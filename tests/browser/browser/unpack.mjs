// Unpacks the browser that the package @sparticuz/chromium carries, with its libraries and a font, into node_modules.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

import { DIR } from './where.mjs';

const packed = new URL('../node_modules/@sparticuz/chromium/bin/', import.meta.url);
const unpack = (name) => brotliDecompressSync(readFileSync(new URL(`${name}.br`, packed)));

mkdirSync(DIR, { recursive: true });
writeFileSync(`${DIR}/chromium`, unpack('chromium'), { mode: 0o755 });
for (const name of ['al2023.tar', 'fonts.tar']) {
  execFileSync('tar', ['--extract', '--directory', DIR], { input: unpack(name) });
}
// The package's own settings look for fonts where AWS Lambda has them.
writeFileSync(
  `${DIR}/fonts.conf`,
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${DIR}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${DIR}/cache</cachedir></fontconfig>
`,
);
