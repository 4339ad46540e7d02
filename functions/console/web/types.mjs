// Writes src/api/schema.d.ts: the API's types, from its description (functions/intake/openapi.json). It runs before
// every build, so a page that asks for what the API no longer gives does not build.

import { readFileSync, writeFileSync } from 'node:fs';

const { paths, components } = JSON.parse(readFileSync(new URL('../../intake/openapi.json', import.meta.url)));
const comment = (text) => (text ? `/** ${text.replaceAll('*/', '').replaceAll('\n', ' ')} */ ` : '');
const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

function type(schema) {
  if (!schema || schema === true) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return several.map(type).join(' | ');
  if (schema.allOf) return schema.allOf.map((part) => `(${type(part)})`).join(' & ');
  if (Array.isArray(schema.type)) {
    return schema.type.map((one) => type({ ...schema, type: one })).join(' | ');
  }
  switch (schema.type) {
    case 'string': return 'string';
    case 'integer':
    case 'number': return 'number';
    case 'boolean': return 'boolean';
    case 'null': return 'null';
    case 'array': return `(${type(schema.items)})[]`;
    case 'object': return object(schema);
    default: return schema.properties ? object(schema) : 'unknown';
  }
}

function object({ properties, required = [], additionalProperties }) {
  if (!properties) return additionalProperties ? `Record<string, ${type(additionalProperties)}>` : 'Record<string, unknown>';
  const fields = Object.entries(properties).map(
    ([name, schema]) => `${comment(schema.description)}${key(name)}${required.includes(name) ? '' : '?'}: ${type(schema)}`,
  );
  return `{ ${fields.join('; ')} }`;
}

function parameters(all, place) {
  const here = all.filter((one) => one.in === place);
  const fields = here.map((one) => `${comment(one.description)}${key(one.name)}${one.required ? '' : '?'}: ${type(one.schema)}`);
  return `{ ${fields.join('; ')} }`;
}

const json = (holder) => Object.values(holder?.content ?? {})[0]?.schema;

function operation(item, { parameters: own = [], requestBody, responses }) {
  const all = [...(item.parameters ?? []), ...own];
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1];
  return [
    `path: ${parameters(all, 'path')}`,
    `query: ${parameters(all, 'query')}`,
    `headers: ${parameters(all, 'header')}`,
    `body: ${requestBody ? type(json(requestBody)) : 'undefined'}`,
    `reply: ${type(json(good))}`,
  ].join('; ');
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const lines = ['// Written by types.mjs from functions/intake/openapi.json.', ''];
for (const [name, schema] of Object.entries(components.schemas)) {
  lines.push(`${comment(schema.description)}export type ${name} = ${type(schema)};`);
}
lines.push('', 'export interface Operations {');
for (const [path, item] of Object.entries(paths)) {
  for (const method of METHODS.filter((one) => item[one])) {
    lines.push(`  '${method.toUpperCase()} ${path}': { ${operation(item, item[method])} };`);
  }
}
lines.push('}', '');
writeFileSync(new URL('src/api/schema.d.ts', import.meta.url), lines.join('\n'));
