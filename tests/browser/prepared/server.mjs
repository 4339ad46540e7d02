// The page with answers that are prepared: no Lethe runs. Each answer must fit the API's description, so that none of
// them says what Lethe would not.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';

import { launch } from '../browser/launch.mjs';

const read = (path) => readFileSync(new URL(`../../../functions/${path}`, import.meta.url));
const { paths, components } = JSON.parse(read('intake/openapi.json'));
// The policy is the function's own.
const [policy] = read('console/src/page.rs').toString().match(/"default-src[^;]*;[^"]*"/);
const HEADERS = { 'content-security-policy': JSON.parse(policy.replace(/\\\n\s*/g, '')), 'cache-control': 'no-store' };
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.ttf': 'font/ttf' };

/** What does not fit: `at: why`. */
function faults(schema, value, at = '') {
  if (schema.$ref) return faults(components.schemas[schema.$ref.split('/').pop()], value, at);
  const all = schema.allOf ? merged(schema) : schema;
  const choices = all.oneOf ?? all.anyOf;
  if (choices) {
    const tried = choices.map((one) => faults(one, value, at));
    return tried.some((found) => found.length === 0) ? [] : tried.at(-1);
  }
  if (value === null) return [all.type].flat().includes('null') ? [] : [`${at}: null`];
  if (all.enum && !all.enum.includes(value)) return [`${at}: ${value}`];
  if (Array.isArray(value)) return value.flatMap((one, n) => faults(all.items ?? {}, one, `${at}[${n}]`));
  if (typeof value !== 'object' || !all.properties) return [];
  const missing = (all.required ?? []).filter((name) => !(name in value)).map((name) => `${at}.${name}: missing`);
  const known = Object.entries(value).filter(([, one]) => one !== undefined);
  return missing.concat(known.flatMap(([name, one]) => (all.properties[name] ? faults(all.properties[name], one, `${at}.${name}`) : [`${at}.${name}: unknown`])));
}

function merged({ allOf }) {
  const parts = allOf.map((part) => (part.$ref ? components.schemas[part.$ref.split('/').pop()] : part)).map((part) => (part.allOf ? merged(part) : part));
  return { type: 'object', properties: Object.assign({}, ...parts.map((part) => part.properties)), required: parts.flatMap((part) => part.required ?? []) };
}

const OPERATIONS = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).filter(([method]) => /^(get|post|put|patch|delete)$/.test(method)).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '([^/]+)').replaceAll('.', '\\.')}$`),
    names: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    body: operation.requestBody && Object.values(operation.requestBody.content)[0].schema,
    reply: Object.values(Object.entries(operation.responses).find(([status]) => status.startsWith('2'))?.[1].content ?? {})[0]?.schema,
  })),
);

/** A call that is refused. */
export class Refusal {
  constructor(status, message, field) {
    Object.assign(this, { status, entry: { type: 'refused', status, message, ...(field && { field }) } });
  }
}

/**
 * Starts it. `answers`: by operation (`GET /regulations/{id}`), a function of `{ path, query, body }`. What was called
 * stands in `calls`; what was called and is not prepared, or does not fit, in `faults`, which `close` throws.
 */
export async function serve(answers) {
  const calls = [];
  const wrong = [];
  const api = async (request, url) => {
    let text = '';
    for await (const part of request) text += part;
    const found = OPERATIONS.filter(({ method, pattern }) => method === request.method && pattern.test(url.pathname));
    const operation = found.find(({ names }) => names.length === 0) ?? found[0];
    const answer = operation && answers[operation.name];
    if (!answer) {
      wrong.push(`not prepared: ${request.method} ${url.pathname}`);
      return new Refusal(404, 'there is no such thing');
    }
    const values = url.pathname.match(operation.pattern).slice(1).map(decodeURIComponent);
    const call = { operation: operation.name, path: Object.fromEntries(operation.names.map((name, n) => [name, values[n]])), query: Object.fromEntries(url.searchParams), body: text ? JSON.parse(text) : undefined, headers: request.headers };
    if (operation.body) wrong.push(...faults(operation.body, call.body).map((fault) => `${operation.name} sends ${fault}`));
    calls.push(call);
    const data = await answer(call);
    if (data instanceof Refusal || typeof data === 'string') return data;
    const whole = operation.name.includes('jwks') ? data : { data };
    wrong.push(...faults(operation.reply ?? {}, whole).map((fault) => `${operation.name} answers ${fault}`));
    return whole;
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (/^\/console(\/|$)/.test(url.pathname)) {
      const name = extname(url.pathname) ? url.pathname.slice('/console/'.length) : 'index.html';
      response.writeHead(200, { ...HEADERS, 'content-type': TYPES[extname(name)] ?? 'text/html; charset=utf-8' });
      return response.end(read(`console/web/dist/${name}`));
    }
    const told = await api(request, url);
    const body = told instanceof Refusal ? JSON.stringify({ errors: [told.entry] }) : typeof told === 'string' ? told : JSON.stringify(told);
    response.writeHead(told instanceof Refusal ? told.status : 200, { 'content-type': typeof told === 'string' ? 'text/csv' : 'application/json' }).end(body);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url, calls, answers, faults: wrong,
    of: (operation) => calls.filter((call) => call.operation === operation),
    close: () => {
      server.closeAllConnections();
      server.close();
      if (wrong.length > 0) throw new Error([...new Set(wrong)].join('\n'));
    },
  };
}

/** A browser on it, signed in. */
export async function open(answers, options) {
  const world = await serve(answers);
  const { page, context, close } = await launch(options);
  context.setDefaultTimeout(15_000);
  await context.addInitScript(() => sessionStorage.setItem('lethe-token', 'prepared'));
  return {
    ...world, page, context,
    go: async (path = '') => {
      await page.goto(`${world.url}/console${path}`);
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      await page.locator('.loading').first().waitFor({ state: 'detached' });
    },
    close: async () => {
      await close();
      world.close();
    },
  };
}
