// Draws a page of a PDF, as a picture.

import { readFileSync } from 'node:fs';

const library = (path) => readFileSync(new URL(`../node_modules/pdfjs-dist/${path}`, import.meta.url), 'utf8');

/** `context`: a browser's. `path`: the picture's. */
export async function drawPdf(context, data, path, { number = 1, scale = 2 } = {}) {
  const page = await context.newPage();
  // An address that nothing answers but this.
  await page.route('https://pdf.invalid/**', (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    return name === '' ? route.fulfill({ contentType: 'text/html', body: '<canvas></canvas>' }) : route.fulfill({ contentType: 'text/javascript', body: library(name) });
  });
  await page.goto('https://pdf.invalid/');
  await page.evaluate(async ({ text, number, scale }) => {
    const { getDocument, GlobalWorkerOptions } = await import('https://pdf.invalid/build/pdf.min.mjs');
    GlobalWorkerOptions.workerSrc = 'https://pdf.invalid/build/pdf.worker.min.mjs';
    const document_ = await getDocument({ data: Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) }).promise;
    const sheet = await document_.getPage(number);
    const viewport = sheet.getViewport({ scale });
    const canvas = document.querySelector('canvas');
    Object.assign(canvas, { width: viewport.width, height: viewport.height });
    await sheet.render({ canvas, viewport }).promise;
  }, { text: data.toString('base64'), number, scale });
  await page.locator('canvas').screenshot({ path });
  await page.close();
}
