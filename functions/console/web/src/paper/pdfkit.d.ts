// What is used of PDFKit, which brings no types.

declare module 'pdfkit' {
  export interface Element {
    add(child: Element | Content): Element;
    end(): void;
  }
  export type Content = { readonly refs: unknown[] };

  export interface TextOptions {
    width?: number;
    align?: 'left' | 'right';
    lineGap?: number;
    lineBreak?: boolean;
  }

  export default class PDFDocument {
    constructor(options: Record<string, unknown>);
    readonly page: { width: number; height: number };
    readonly _font: { font: { hasGlyphForCodePoint(code: number): boolean } };
    on(event: 'data', listener: (part: Uint8Array) => void): this;
    on(event: 'end', listener: () => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    registerFont(name: string, source: ArrayBuffer): this;
    font(name: string): this;
    fontSize(size: number): this;
    fillColor(colour: string): this;
    heightOfString(text: string, options: TextOptions): number;
    text(text: string, x: number, y: number, options: TextOptions): this;
    rect(x: number, y: number, width: number, height: number): this;
    fill(colour: string): this;
    addPage(): this;
    switchToPage(page: number): unknown;
    bufferedPageRange(): { start: number; count: number };
    struct(type: string, options?: { alt?: string; scope?: 'Row' | 'Column'; bbox?: number[]; title?: string }): Element;
    addStructure(element: Element): this;
    markStructureContent(type: string): Content;
    markContent(type: 'Artifact', options: { type: 'Pagination' | 'Layout' }): this;
    endMarkedContent(): this;
    file(data: Uint8Array, options: { name: string; type: string; description: string; creationDate: Date; modifiedDate: Date; relationship: string }): unknown;
    end(): void;
  }
}

declare module 'pdfkit/output' {
  import type PDFDocument from 'pdfkit';

  export function toBlob(document: PDFDocument): Promise<Blob>;
}
