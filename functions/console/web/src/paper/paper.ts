// Paper: blocks of text that flow over pages, each tagged with what it is, so that a PDF is read aloud as it is seen. All
// lengths are points.

import PDFDocument, { type Element } from 'pdfkit';

export type Size = 'A4' | 'LETTER';

export interface Style {
  size: number;
  bold?: boolean;
  colour?: string;
}

/** A piece that stays on one page. */
export interface Block {
  height: number;
  /** Above it, unless it is the first of its page. */
  gap: number;
  /** Not to be the last of its page. */
  keep?: boolean;
  /** Drawn again on each page that its followers reach. */
  head?: Block;
  draw(y: number, artifact?: boolean): void;
}

export interface Line {
  text: string;
  style: Style;
}

export const INK = '#1b1f22';
export const SOFT = '#565d62';
const RULE = '#d8d4cb';

const MARGIN = { top: 38, side: 48, bottom: 46 };
/** Of a letter's size, off the lines of this font, which are high. */
const LEADING = -0.14;
/** Between two columns. */
const GUTTER = 10;

interface Metadata {
  title: string;
  author: string;
  lang: string;
  at: Date;
}

export class Paper {
  readonly doc: PDFDocument;
  readonly width: number;
  readonly bottom: number;
  readonly #root: Element;
  #section: Element;
  /** Whether a letter was asked for that the font lacks. */
  lacking = false;
  #y = MARGIN.top;

  constructor(size: Size, { title, author, lang, at }: Metadata, fonts: { regular: ArrayBuffer; bold: ArrayBuffer }) {
    this.doc = new PDFDocument({
      size, lang, tagged: true, displayTitle: true, pdfVersion: '1.7', bufferPages: true, font: null, autoFirstPage: false,
      margins: { top: 0, left: 0, right: 0, bottom: 0 },
      info: { Title: title, Author: author, Subject: title, CreationDate: at, ModDate: at, Creator: 'Lethe', Producer: 'Lethe' },
    });
    this.doc.registerFont('regular', fonts.regular).registerFont('bold', fonts.bold).font('regular').addPage();
    this.width = this.doc.page.width - 2 * MARGIN.side;
    this.bottom = this.doc.page.height - MARGIN.bottom;
    this.#root = this.doc.struct('Document', { title });
    this.doc.addStructure(this.#root);
    this.#section = this.open('Sect');
  }

  /** What is left of this page. */
  get room(): number {
    return this.bottom - this.#y;
  }

  /** Begins a part of the document, on a page of its own if `fresh`. */
  section(fresh = false): void {
    this.#section.end();
    this.#section = this.open('Sect');
    if (fresh) this.#turn();
  }

  /** An element of the document's, or of another element. */
  open(type: string, parent = this.#root, options = {}): Element {
    const element = this.doc.struct(type, options);
    parent.add(element);
    return element;
  }

  /** A heading or a paragraph. */
  text(type: string, text: string, style: Style, { gap = 0, keep = false, x = 0 } = {}): Block {
    const width = this.width - x;
    const line = { text: this.#known(text), style };
    return { height: this.#height(line, width), gap, keep, draw: (y) => this.#mark(type, this.#section, () => this.#write(line, x, y, width)) };
  }

  heading(level: 1 | 2 | 3, text: string): Block {
    const [size, gap] = ([[19, 8], [11, 9], [10, 8]] as const)[level - 1]!;
    return this.text(`H${level}`, text, { size, bold: true }, { gap, keep: true });
  }

  /** Points of a list. */
  points(texts: string[], style: Style): Block[] {
    let list: Element | undefined;
    return texts.map((text, at) => {
      const line = { text: this.#known(text), style };
      const draw = (y: number) => {
        list ??= this.open('L', this.#section);
        const item = this.open('LI', list);
        this.#mark('Lbl', item, () => this.#write({ text: '•', style }, 0, y, 8));
        this.#mark('LBody', item, () => this.#write(line, 9, y, this.width - 9));
        item.end();
        if (at === texts.length - 1) list.end();
      };
      return { height: this.#height(line, this.width - 9), gap: at === 0 ? 1 : 1.5, draw };
    });
  }

  /** Rows of cells, each of lines. The first cell of a row is its header; `shares` are the columns' widths. Without a head, there are no rules. */
  table(head: string[] | undefined, rows: Line[][][], shares: number[], size = 8): Block[] {
    const all = shares.reduce((sum, one) => sum + one, 0);
    const widths = shares.map((share) => (this.width * share) / all - GUTTER);
    let table: Element | undefined;
    const row = (cells: Line[][], at: number | undefined): Block => {
      const known = cells.map((lines) => lines.map(({ text, style }) => ({ text: this.#known(text), style })));
      const heights = known.map((lines, column) => lines.reduce((sum, line) => sum + this.#height(line, widths[column]!), 0));
      const draw = (y: number, artifact = false) => {
        if (head) this.#artifact(() => this.doc.rect(MARGIN.side, y - 2.5, this.width, at === undefined ? 0.8 : 0.4).fill(at === undefined ? SOFT : RULE));
        const place = (lines: Line[], column: number, write: (line: Line, y: number, x: number) => void) => {
          const x = widths.slice(0, column).reduce((sum, one) => sum + one + GUTTER, 0);
          lines.reduce((top, line) => (write(line, top, x), top + this.#height(line, widths[column]!)), y);
        };
        if (artifact) {
          known.forEach((lines, column) => place(lines, column, (line, top, x) => this.#artifact(() => this.#write(line, x, top, widths[column]!))));
          return;
        }
        table ??= this.open('Table', this.#section);
        const tr = this.open('TR', table);
        known.forEach((lines, column) => {
          const header = at === undefined || column === 0;
          const cell = this.open(header ? 'TH' : 'TD', tr, header ? { scope: at === undefined ? 'Column' : 'Row' } : {});
          place(lines, column, (line, top, x) => this.#mark('P', cell, () => this.#write(line, x, top, widths[column]!)));
          cell.end();
        });
        tr.end();
        if (at === rows.length - 1) table.end();
      };
      return { height: Math.max(...heights), gap: head ? 4.5 : 2, keep: at === undefined, draw };
    };
    const top = head && row(head.map((text) => [{ text, style: { size, bold: true, colour: SOFT } }]), undefined);
    const below = rows.map((cells, at) => ({ ...row(cells, at), ...(top && { head: top }) }));
    return top ? [top, ...below] : below;
  }

  /** Squares of a QR code, with words for who cannot see them; `beside` stands to its right. */
  figure(squares: boolean[][], size: number, alt: string, beside: Block[]): Block {
    const text = beside.reduce((sum, { height, gap }, at) => sum + height + (at === 0 ? 0 : gap), 0);
    const draw = (top: number) => {
      const figure = this.open('Figure', this.#section, { alt, bbox: [MARGIN.side, top, MARGIN.side + size, top + size] });
      figure.add(this.doc.markStructureContent('Figure'));
      const unit = size / squares.length;
      squares.forEach((row, y) => row.forEach((dark, x) => dark && this.doc.rect(MARGIN.side + x * unit, top + y * unit, unit, unit)));
      this.doc.fill('#000000').endMarkedContent();
      figure.end();
      beside.reduce((y, block, at) => (block.draw(y + (at === 0 ? 0 : block.gap)), y + block.height + (at === 0 ? 0 : block.gap)), top);
    };
    return { height: Math.max(size, text), gap: 4, draw };
  }

  /** Sets blocks one below the other, and turns the page where one does not fit. */
  flow(blocks: Block[]): void {
    blocks.forEach((block, at) => {
      // What must not be the last of its page moves with what follows it.
      let [last, needed] = [at, block.height];
      while (blocks[last]?.keep && blocks[last + 1]) needed += blocks[last + 1]!.gap + blocks[++last]!.height;
      const gap = this.#y > MARGIN.top ? block.gap : 0;
      if (gap + needed > this.room && this.#y > MARGIN.top) {
        this.#turn();
        if (block.head) {
          block.head.draw(this.#y, true);
          this.#y += block.head.height + block.gap;
        }
      } else {
        this.#y += gap;
      }
      block.draw(this.#y);
      this.#y += block.height;
    });
  }

  /** Ends it, with a foot on each page: on its left `left`, on its right what `right` says of the page. */
  end(left: string, right: (page: number, of: number) => string): void {
    this.#section.end();
    this.#root.end();
    const { count } = this.doc.bufferedPageRange();
    const style = { size: 7.5, colour: SOFT };
    for (let page = 0; page < count; page++) {
      this.doc.switchToPage(page);
      const y = this.bottom + 16;
      this.#artifact(() => {
        this.#write({ text: left, style }, 0, y, this.width * 0.75);
        this.#write({ text: right(page + 1, count), style }, this.width * 0.75, y, this.width * 0.25, 'right');
      }, 'Pagination');
    }
    this.doc.end();
  }

  heightOf(blocks: Block[]): number {
    return blocks.reduce((sum, { height, gap }) => sum + height + gap, 0);
  }

  #turn(): void {
    this.doc.addPage();
    this.#y = MARGIN.top;
  }

  #set({ size, bold, colour = INK }: Style): void {
    this.doc.font(bold ? 'bold' : 'regular').fontSize(size).fillColor(colour);
  }

  #height({ text, style }: Line, width: number): number {
    this.#set(style);
    return this.doc.heightOfString(text, { width, lineGap: LEADING * style.size });
  }

  #write({ text, style }: Line, x: number, y: number, width: number, align: 'left' | 'right' = 'left'): void {
    this.#set(style);
    this.doc.text(text, MARGIN.side + x, y, { width, align, lineGap: LEADING * style.size });
  }

  #mark(type: string, parent: Element, draw: () => void): void {
    const element = this.open(type, parent);
    element.add(this.doc.markStructureContent(type));
    draw();
    this.doc.endMarkedContent();
    element.end();
  }

  /** What is seen and not read aloud. */
  #artifact(draw: () => void, type: 'Pagination' | 'Layout' = 'Layout'): void {
    this.doc.markContent('Artifact', { type });
    draw();
    this.doc.endMarkedContent();
  }

  /** In letters that the font has, on one line per line. */
  #known(text: string): string {
    this.doc.font('regular');
    return Array.from(text.normalize('NFC').replace(/\s+/g, ' '), (letter) => {
      if (this.doc._font.font.hasGlyphForCodePoint(letter.codePointAt(0)!)) return letter;
      this.lacking = true;
      return '□';
    }).join('');
  }
}
