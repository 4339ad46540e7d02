// What people type into a system's form becomes what the API takes, or an error beside the field.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { typed, faults, shown, fieldOf, beside } = await load('fields');
const FORMS = { datasets: 'list', exceptTables: 'list', columns: 'json', port: 'number', maxShare: 'number' };
const field = (name, more = {}) => ({ name, title: name, help: '', required: false, secret: false, directsSecrets: false, form: { type: FORMS[name] ?? 'text' }, ...more });
const description = { vendor: 'bigquery', fields: ['project', 'datasets', 'exceptTables', 'columns', 'port', 'maxShare'].map((name) => field(name)) };

test('lists, numbers and JSON are sent as such', () => {
  const { settings } = typed(description, {
    datasets: 'web, ios',
    exceptTables: 'web.audit_*\nios.log',
    columns: '[{"table": "web.loyalty", "column": "member", "type": "USER_ID"}]',
    port: '5432',
    maxShare: '0,05',
    project: '12345',
  });
  assert.deepEqual(settings, {
    datasets: ['web', 'ios'],
    exceptTables: ['web.audit_*', 'ios.log'],
    columns: [{ table: 'web.loyalty', column: 'member', type: 'USER_ID' }],
    port: 5432,
    maxShare: 0.05,
    project: '12345',
  });
});

test('what does not fit is named by its field', () => {
  const some = { vendor: 'x', fields: [field('columns'), field('port'), field('region', { required: true, form: { type: 'region', values: [] } }), field('apiKey', { required: true, secret: true })] };
  assert.deepEqual(faults(some, { columns: '[{', port: 'five' }), { columns: 'json', port: 'number', region: 'missing', apiKey: 'missing' });
  assert.deepEqual(faults(some, { region: 'eu' }, { region: 'us' }), {}, 'a secret that is kept may be left empty');
});

test('a secret is asked for again when a setting changes that says where it is sent', () => {
  const some = { vendor: 'x', fields: [field('host', { directsSecrets: true }), field('database'), field('password', { required: true, secret: true })] };
  const before = { host: 'db.example.com', database: 'a' };
  assert.deepEqual(faults(some, { ...before, database: 'b' }, before), {});
  assert.deepEqual(faults(some, { ...before, host: 'db2.example.com' }, before), { password: 'secret' });
  assert.deepEqual(faults(some, { ...before, host: 'db2.example.com', password: 'x' }, before), {});
});

test('what was sent is shown so that it can be sent again', () => {
  assert.equal(shown(['web', 'ios']), 'web, ios');
  assert.equal(shown([{ a: 1 }]), '[{"a":1}]');
});

test('an error of the API is put beside the field that it names', () => {
  const fields = [field('region'), field('apiKey', { secret: true }), field('schemas')];
  const of = (message) => fieldOf({ vendor: 'x', fields }, message)?.name;
  assert.equal(of('Settings.region must be one of us, eu'), 'region');
  assert.equal(of('secrets.apiKey is missing: REST API key'), 'apiKey');
  assert.equal(of('Settings: missing field `schemas`'), 'schemas');
  assert.equal(of('Name must have 1 to 100 characters'), undefined);
});

test('beside its field, an error leaves out the field’s own name', () => {
  assert.equal(beside('Settings.region must be one of us, eu'), 'Must be one of us, eu');
  assert.equal(beside('secrets.apiKey is missing: REST API key'), 'Is missing: REST API key');
  assert.equal(beside('Settings: missing field `schemas`'), 'Missing field `schemas`');
  assert.equal(beside('File.reference looks like an email address'), 'Looks like an email address');
  assert.equal(beside('ReceivedAt is in the future'), 'Is in the future');
  assert.equal(beside('Lawyers are not reached'), 'Lawyers are not reached');
});
