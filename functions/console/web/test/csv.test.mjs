// Files as people have them: what is no table is refused, a header is nobody, and an unsure column is asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { parse, idColumn } = await load('csv');
const { decode, fromSheet, kinds, read } = await load('people');
const bytes = (...all) => new Uint8Array(all);
const file = (text, name = 'people.csv') => new File([text], name);

test('what is no text is refused by its first bytes, whatever its name', async () => {
  const refused = { xlsx: [0x50, 0x4b, 3, 4, 20, 0], xls: [0xd0, 0xcf, 0x11, 0xe0, 0xa1], pdf: [0x25, 0x50, 0x44, 0x46], gzip: [0x1f, 0x8b, 8], binary: [65, 0, 1, 66] };
  for (const [kind, head] of Object.entries(refused)) assert.deepEqual(decode(bytes(...head)), { refused: kind });
  await assert.rejects(read(file(bytes(...refused.xlsx), 'people.csv')), /xlsx/);
});

test('text is read in the encodings that spreadsheets save in', () => {
  assert.deepEqual(decode(new TextEncoder().encode('zoë')), { text: 'zoë' });
  assert.deepEqual(decode(bytes(0x7a, 0x6f, 0xeb)), { text: 'zoë' }, 'windows-1252');
  assert.deepEqual(decode(bytes(0xff, 0xfe, 0x7a, 0, 0x6f, 0, 0xeb, 0)), { text: 'zoë' }, 'UTF-16');
});

test('semicolons and tabs separate, too', () => {
  assert.deepEqual(parse('a;b\n1;2'), [['a', 'b'], ['1', '2']]);
  assert.deepEqual(parse('a\tb\n1\t2'), [['a', 'b'], ['1', '2']]);
});

test('a column that is named as ids are is taken, in German too', () => {
  assert.deepEqual(idColumn(parse('name;user_id\nKim;u1')), { column: 1, header: true });
  assert.deepEqual(idColumn(parse('E-Mail;Kundennummer\nkim@example.com;4711')), { column: 1, header: true });
  assert.deepEqual(idColumn(parse('User ID\nada')), { column: 0, header: true });
});

test('the column of the kind that is wanted is taken', () => {
  const rows = parse('Kundennummer;E-Mail;Telefon\n4711;kim@example.com;+49 30 901820');
  assert.deepEqual(['USER_ID', 'EMAIL', 'PHONE'].map((kind) => idColumn(rows, kind).column), [0, 1, 2]);
  assert.deepEqual(idColumn(parse('name;plan\nKim;pro'), 'EMAIL'), { column: undefined, header: true });
});

test('no column is guessed: the header is still a header', async () => {
  assert.deepEqual(idColumn(parse('E-Mail;Plan\nkim@example.com;pro')), { column: undefined, header: true });
  const sheet = await read(file('Konto;Wert\nk-1;17\nk-2;18\n'));
  assert.deepEqual([sheet.column, sheet.header], [undefined, true]);
  assert.deepEqual(fromSheet(sheet).ids, [], 'nobody, until the column is chosen');
  assert.deepEqual(fromSheet({ ...sheet, column: 0 }).ids, ['k-1', 'k-2']);
});

test('a header is never counted as a person', () => {
  for (const text of ['Kunde\n1001\n1002', 'Email\nkim@example.com', 'Kundennr.\nA-1', 'customer\nc7\nc8']) {
    const rows = parse(text);
    assert.deepEqual(idColumn(rows), { column: 0, header: true }, text);
  }
  for (const text of ['1001\n1002', 'ada\ngrace', 'kim@example.com\nlee@example.com', 'u1']) {
    assert.deepEqual(idColumn(parse(text)), { column: 0, header: false }, text);
  }
});

test('what the identifiers look like is counted', () => {
  assert.deepEqual(kinds(['a@b.example', '4711', '0b7c6a3e-93d5-4c3c-9f0e-2f3a3f1f7e11', 'ada', '12']), { email: 1, number: 2, uuid: 1, other: 1 });
});
