// Certificates as Lethe signs them, with a key of the tests' own.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';

import { DST } from './company.mjs';

const base64url = (data) => Buffer.from(data).toString('base64url');
export const sha256 = (data, form = 'base64url') => createHash('sha256').update(data).digest(form);

/** A key and its public half as Lethe publishes it: its id is its thumbprint. */
export function makeKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  const kid = sha256(JSON.stringify({ crv, kty, x, y }));
  return { privateKey, jwk: { kid, kty, crv, x, y, use: 'sig', alg: 'ES256' } };
}

export const KEY = makeKey();

export function signed(claims, { privateKey, jwk } = KEY, header = {}) {
  const text = [{ alg: 'ES256', kid: jwk.kid, typ: 'lethe-certificate+jwt', ...header }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  return `${text}.${base64url(sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }))}`;
}

export function chained(evidence) {
  let previous = '';
  return evidence.map((one) => ({ ...one, hash: (previous = sha256(previous + JSON.stringify(one), 'hex')) }));
}

const AT = (hour, minute = 0) => new Date(Date.UTC(2026, 10, 3, hour, minute, 7)).toISOString();
const step = (destinationId, vendor, name, minute, counts, more = {}) => ({ destinationId, vendor, attempt: 1, step: name, at: AT(9, minute), counts, ...more });
const place = (id, name, vendor, kind, status) => ({ id, name, vendor, kind, status, finishedAt: AT(10, 5) });

/** One request at three places, of which one confirms nothing and one keeps something. */
export function claimsOf(more = {}, regulation = {}) {
  const id = `reg_${'7'.padStart(32, '0')}`;
  const tables = (n) => ({ 'public.users': n, 'public.orders': n * 4 });
  return {
    iss: 'lethe',
    issuer: { name: 'Beispiel Handels GmbH', address: 'Hafenstraße 1, 20457 Hamburg, Germany', contact: 'privacy@beispiel.example' },
    jti: `${id}-1`, iat: Date.parse(AT(10, 6)) / 1000,
    regulation: {
      id, regulationType: 'SUPPRESS_WITH_DELETE', subjectType: 'USER_ID', subjectCount: 2, status: 'FINISHED', attempt: 1, actor: 'admin',
      createdAt: AT(8), finishedAt: AT(10, 6), receivedAt: '2026-10-20T09:30:00Z', law: 'GDPR', dueAt: '2026-11-20T09:30:00Z', file: { reference: 'DSR-4711', channel: 'letter' }, ...regulation,
    },
    subjects: ['a'.repeat(64), 'b'.repeat(64)], linkedSubjects: ['c'.repeat(64)], resolvedSubjects: [], leftOut: [], commitments: [],
    destinations: [place(DST.archive, 'Events archive', 's3', 'ARCHIVE', 'CONFIRMED'), place(DST.warehouse, 'Αποθήκη — Склад', 'postgres', 'WAREHOUSE', 'CONFIRMED'), place(DST.braze, 'Braze', 'braze', 'CLOUD', 'ACCEPTED')],
    evidence: chained([
      { attempt: 1, step: 'suppress', at: AT(8, 1), counts: { suppressed: 2 } },
      step(DST.braze, 'braze', 'forward', 1, { accepted: 2 }),
      step(DST.warehouse, 'postgres', 'find', 2, tables(3), { lookedAt: { tables: 16 } }),
      step(DST.warehouse, 'postgres', 'forget', 3, tables(3), { lookedAt: { tables: 16 } }),
      step(DST.warehouse, 'postgres', 'verify', 4, tables(0), { lookedAt: { tables: 16 } }),
      step(DST.archive, 's3', 'find', 5, { lines: 214, objects: 12 }, { lookedAt: { versions: 1840, ruledOut: 1790, bytes: 91_000_000 } }),
      step(DST.archive, 's3', 'forget', 6, { objectsRewritten: 12, versionsDeleted: 19 }),
      step(DST.archive, 's3', 'verify', 7, { lines: 0 }, { residuals: { locked: 2 } }),
    ]),
    ...more,
  };
}

/** The same with `n` places and people. */
export function large(n) {
  const claims = claimsOf({}, { subjectCount: n });
  const names = ['CONFIRMED', 'FAILED', 'ACCEPTED'];
  return {
    ...claims,
    subjects: Array.from({ length: n }, (_, at) => String(at).padStart(64, '0')),
    destinations: Array.from({ length: n }, (_, at) => ({ ...claims.destinations[at % 3], id: `${claims.destinations[at % 3].id}`, status: names[at % 3], name: `Donaudampfschifffahrtsgesellschaft ${at}` })),
  };
}
