// What a PDF says to whoever reads it by a program: its text with boxes, its tags, its title, its files.

// The library wants what browsers draw with as soon as it comes. Here nothing is drawn.
globalThis.DOMMatrix ??= class DOMMatrix {};
const { getDocument } = await import('pdfjs-dist/legacy/build/pdf.mjs');

export async function readPdf(data) {
  const document = await getDocument({ data: new Uint8Array(data), useSystemFonts: false, verbosity: 0 }).promise;
  const pages = await Promise.all(Array.from({ length: document.numPages }, async (_, at) => {
    const page = await document.getPage(at + 1);
    const { items } = await page.getTextContent({ includeMarkedContent: true });
    const texts = items.filter(({ str }) => str?.trim()).map(({ str, transform, width, height }) => ({ str, x: transform[4], y: transform[5], width, height }));
    const { width, height } = page.getViewport({ scale: 1 });
    return { texts, width, height, text: texts.map(({ str }) => str).join(' ').replace(/\s+/g, ' '), tree: await page.getStructTree(), artifacts: items.filter(({ tag }) => tag === 'Artifact').length };
  }));
  const { info } = await document.getMetadata();
  return { pages, info, lang: info.Language, marked: await document.getMarkInfo(), files: await document.getAttachments(), text: pages.map(({ text }) => text).join(' ') };
}

/** The roles in a tree of tags, in the order of reading. */
export const roles = (node) => (node?.children ? [node.role, ...node.children.flatMap(roles)].filter(Boolean) : []);

/** Pairs of texts of a page whose boxes intersect, and texts beside the paper. Letters reach a little out of their boxes. */
export function overlaps({ texts, width, height }) {
  const boxes = texts.map(({ str, x, y, width, height }) => ({ str, left: x + 0.5, right: x + width - 0.5, low: y - 0.15 * height, high: y + 0.62 * height }));
  const beside = boxes.filter(({ left, right, low, high }) => left < 20 || right > width - 20 || low < 15 || high > height - 15).map(({ str }) => `beside the paper: ${str}`);
  const over = boxes.flatMap((a, at) => boxes.slice(at + 1).filter((b) => a.left < b.right && b.left < a.right && a.low < b.high && b.low < a.high).map((b) => `${a.str} | ${b.str}`));
  return [...beside, ...over];
}
