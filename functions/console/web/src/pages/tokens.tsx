// Who else may come in: tokens, what each may do, and the moment at which a new one is shown.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Scope, TokenShown } from '../api/schema';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Table, Time } from '../parts/basics';
import { Confirm } from '../parts/confirm';
import { Dialog, Text } from '../parts/forms';
import { Export, useSorted } from '../parts/list';
import { Secret } from '../parts/secret';
import { Shape } from '../parts/state';
import { toast } from '../parts/toast';
import { words } from '../words';

const said = words.tokens;

export function Tokens() {
  const live = useLive('tokens', (signal) => call('GET /tokens', { signal }), 30_000);
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<TokenShown>();
  const revoke = async ({ id }: TokenShown) => {
    await call('DELETE /tokens/{id}', { path: { id } });
    toast(said.revokedToast);
    live.refresh();
  };
  return (
    <div class="page">
      <Head title={words.nav.tokens} lead={said.lead}>
        <Export name="tokens" rows={() => [[said.name, said.may, said.created, said.expires, said.revokedOn, said.lastUsed], ...(live.data?.tokens ?? []).map(row)]} />
        <button type="button" class="button primary" onClick={() => setMaking(true)}>
          {said.make}
        </button>
      </Head>
      <Known live={live} what={words.things.tokens}>
        {({ tokens }) =>
          tokens.length === 0 ? (
            <Empty>
              <p>{said.none}</p>
            </Empty>
          ) : (
            <TokenTable tokens={tokens} onRevoke={setRevoking} />
          )
        }
      </Known>
      {making && <Make close={() => setMaking(false)} done={live.refresh} />}
      {revoking && (
        <Confirm title={said.revokeTitle(revoking.name)} action={said.revokeIt} keep={said.keep} act={() => revoke(revoking)} close={() => setRevoking(undefined)}>
          {said.revokeHelp}
        </Confirm>
      )}
    </div>
  );
}

const may = ({ requestOnly, scopes }: TokenShown): string => (requestOnly ? words.oneRequest.short : scopes.map((scope) => words.scope[scope].short).join(' · '));

const row = (one: TokenShown): string[] => [one.name, may(one), one.createdAt, one.expiresAt ?? '', one.revokedAt ?? '', one.lastUsedAt ?? ''];

const VALUES = { name: (one: TokenShown) => one.name, may, status: (one: TokenShown) => ended(one) ?? '', used: (one: TokenShown) => one.lastUsedAt ?? '' };

const ended = ({ revokedAt, expiresAt }: TokenShown): string | undefined =>
  revokedAt ?? (expiresAt && new Date(expiresAt).getTime() <= Date.now() ? expiresAt : undefined);

function TokenTable({ tokens, onRevoke }: { tokens: TokenShown[]; onRevoke: (token: TokenShown) => void }) {
  const { rows, head } = useSorted(tokens, VALUES);
  return (
    <Table caption={words.nav.tokens} cards>
      <thead>
        <tr>
          {head('name', said.name)}
          {head('may', said.may)}
          {head('status', said.status)}
          {head('used', said.lastUsed, 'wide')}
          <th scope="col">
            <span class="hidden">{words.common.action}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((token) => (
          <tr key={token.id}>
            <th scope="row">{token.name}</th>
            <td class="small">{may(token)}</td>
            <td>
              <Standing token={token} />
            </td>
            <td class="wide">{token.lastUsedAt ? <Time at={token.lastUsedAt} /> : words.common.never}</td>
            <td class="num">
              {!ended(token) && (
                <button type="button" class="quiet" aria-label={said.revokeOne(token.name)} onClick={() => onRevoke(token)}>
                  {said.revoke}
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Standing({ token }: { token: TokenShown }) {
  const end = ended(token);
  const tone = end ? 'waiting' : 'done';
  return (
    <span class={`state tone-${tone}`}>
      <Shape tone={tone} />
      <span>
        {end ? (token.revokedAt ? said.revoked : said.expired) : token.expiresAt ? said.until : said.valid}{' '}
        {(end ?? token.expiresAt) && <Time at={(end ?? token.expiresAt) as string} only="day" />}
      </span>
    </span>
  );
}

function Make({ close, done }: { close: () => void; done: () => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>([]);
  const [requestOnly, setRequestOnly] = useState(false);
  const [until, setUntil] = useState('');
  const [wrong, setWrong] = useState<{ name?: string; scopes?: string }>({});
  const [secret, setSecret] = useState<string>();
  const make = useAction(async () => {
    const expiresAt = until && new Date(`${until}T23:59:59`).toISOString();
    const may = requestOnly ? { requestOnly } : { scopes };
    const made = await call('POST /tokens', { body: { name, ...may, ...(expiresAt && { expiresAt }) } });
    setSecret(made.secret ?? '');
    done();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const next: typeof wrong = {};
    if (!name.trim()) next.name = said.noName;
    if (!requestOnly && scopes.length === 0) next.scopes = said.noScope;
    setWrong(next);
    if (!next.name && !next.scopes) void make.run();
  };
  const toggle = (scope: Scope, on: boolean) => setScopes(on ? [...scopes, scope] : scopes.filter((one) => one !== scope));

  if (secret !== undefined) return <Secret title={said.secretTitle(name)} secret={secret} help={said.copyHelp} close={close} />;
  return (
    <Dialog title={said.make} close={close} filled={name !== '' || scopes.length > 0 || until !== ''}>
      <form onSubmit={submit} noValidate>
        <Text label={said.name} help={said.nameHelp} value={name} onInput={setName} wrong={wrong.name} />
        <fieldset>
          <legend>{said.permissions}</legend>
          <label class="row">
            <input type="checkbox" checked={requestOnly} onChange={(event) => setRequestOnly(event.currentTarget.checked)} />
            {words.oneRequest.title}
          </label>
          {(Object.keys(words.scope) as Scope[]).map((scope) => (
            <label key={scope} class="row">
              <input
                type="checkbox"
                disabled={requestOnly}
                checked={!requestOnly && scopes.includes(scope)}
                onChange={(event) => toggle(scope, event.currentTarget.checked)}
              />
              {words.scope[scope].title}
            </label>
          ))}
          {wrong.scopes && (
            <p class="wrong" role="alert">
              {wrong.scopes}
            </p>
          )}
        </fieldset>
        <Text label={said.lastDay} help={said.lastDayHelp} type="date" value={until} onInput={setUntil} />
        {make.error && <Problem error={make.error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={make.busy}>
            {make.busy ? said.making : said.make}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
