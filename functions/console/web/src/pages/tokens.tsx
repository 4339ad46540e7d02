// Who else may come in: tokens, what each may do, and the moment at which a new one is shown.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Scope, TokenShown } from '../api/schema';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Table, Time } from '../parts/basics';
import { Dialog, Text } from '../parts/forms';
import { Shape } from '../parts/state';
import { ONE_REQUEST, SCOPE } from '../words';

export function Tokens() {
  const live = useLive('tokens', (signal) => call('GET /tokens', { signal }), 30_000);
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<TokenShown>();
  return (
    <div class="page">
      <Head title="Tokens" lead="Everybody who uses Lethe, a person or a program, has a token that may do only what it must.">
        <button type="button" class="button primary" onClick={() => setMaking(true)}>
          Make a token
        </button>
      </Head>
      <Known live={live} what="tokens">
        {({ tokens }) =>
          tokens.length === 0 ? (
            <Empty>
              <p>There is only the token that was made at deployment.</p>
            </Empty>
          ) : (
            <TokenTable tokens={tokens} onRevoke={setRevoking} />
          )
        }
      </Known>
      {making && <Make close={() => setMaking(false)} done={live.refresh} />}
      {revoking && <Revoke token={revoking} close={() => setRevoking(undefined)} done={live.refresh} />}
    </div>
  );
}

const ended = ({ revokedAt, expiresAt }: TokenShown): string | undefined =>
  revokedAt ?? (expiresAt && new Date(expiresAt).getTime() <= Date.now() ? expiresAt : undefined);

function TokenTable({ tokens, onRevoke }: { tokens: TokenShown[]; onRevoke: (token: TokenShown) => void }) {
  return (
    <Table caption="Tokens">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">May</th>
          <th scope="col">Stands</th>
          <th scope="col" class="wide">
            Last used
          </th>
          <th scope="col">
            <span class="hidden">Action</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.id}>
            <th scope="row">{token.name}</th>
            <td class="small">{token.requestOnly ? ONE_REQUEST.short : token.scopes.map((scope) => SCOPE[scope].short).join(' · ')}</td>
            <td>
              <Standing token={token} />
            </td>
            <td class="wide">{token.lastUsedAt ? <Time at={token.lastUsedAt} /> : 'never'}</td>
            <td class="num">
              {!ended(token) && (
                <button type="button" class="quiet" aria-label={`Revoke ${token.name}`} onClick={() => onRevoke(token)}>
                  Revoke
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
        {end ? (token.revokedAt ? 'revoked ' : 'expired ') : token.expiresAt ? 'until ' : 'valid'}
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
    if (!name.trim()) next.name = 'Give it a name.';
    if (!requestOnly && scopes.length === 0) next.scopes = 'Choose at least one.';
    setWrong(next);
    if (!next.name && !next.scopes) void make.run();
  };
  const toggle = (scope: Scope, on: boolean) => setScopes(on ? [...scopes, scope] : scopes.filter((one) => one !== scope));

  if (secret !== undefined) return <Secret name={name} secret={secret} close={close} />;
  return (
    <Dialog title="Make a token" close={close}>
      <form onSubmit={submit} noValidate>
        <Text label="Name" help="Who will use it: a person, a team or a program." value={name} onInput={setName} wrong={wrong.name} />
        <fieldset>
          <legend>What it may do</legend>
          <label class="row">
            <input type="checkbox" checked={requestOnly} onChange={(event) => setRequestOnly(event.currentTarget.checked)} />
            {ONE_REQUEST.title}
          </label>
          {(Object.keys(SCOPE) as Scope[]).map((scope) => (
            <label key={scope} class="row">
              <input
                type="checkbox"
                disabled={requestOnly}
                checked={!requestOnly && scopes.includes(scope)}
                onChange={(event) => toggle(scope, event.currentTarget.checked)}
              />
              {SCOPE[scope].title}
            </label>
          ))}
          {wrong.scopes && (
            <p class="wrong" role="alert">
              {wrong.scopes}
            </p>
          )}
        </fieldset>
        <Text label="Last day" help="Left empty, it holds until it is revoked." type="date" value={until} onInput={setUntil} />
        {make.error && <Problem error={make.error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={make.busy}>
            {make.busy ? 'Making…' : 'Make the token'}
          </button>
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The only time that it is seen: Lethe keeps a hash. */
function Secret({ name, secret, close }: { name: string; secret: string; close: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = useAction(async () => {
    await navigator.clipboard.writeText(secret);
    setCopied(true);
  });
  return (
    <Dialog title={`The token of ${name}`} close={close}>
      <p>
        <strong>Copy it now.</strong> It is not shown again; if it is lost, revoke it and make another.
      </p>
      <p class="box">
        <code>{secret}</code>
      </p>
      <p role="status">{copied && 'Copied.'}</p>
      {copy.error && <p class="wrong">This browser does not let the page copy: select it by hand.</p>}
      <div class="row">
        <button type="button" class="button primary" onClick={() => void copy.run()}>
          Copy
        </button>
        <button type="button" class="button" onClick={close}>
          I have it
        </button>
      </div>
    </Dialog>
  );
}

function Revoke({ token, close, done }: { token: TokenShown; close: () => void; done: () => void }) {
  const revoke = useAction(async () => {
    await call('DELETE /tokens/{id}', { path: { id: token.id } });
    done();
    close();
  });
  return (
    <Dialog title={`Revoke the token of ${token.name}?`} close={close}>
      <p>It is refused from the next request on. What it did stays in the audit trail.</p>
      {revoke.error && <Problem error={revoke.error} />}
      <div class="row">
        <button type="button" class="button danger" disabled={revoke.busy} onClick={() => void revoke.run()}>
          {revoke.busy ? 'Revoking…' : 'Revoke it'}
        </button>
        <button type="button" class="button" onClick={close}>
          Keep it
        </button>
      </div>
    </Dialog>
  );
}
