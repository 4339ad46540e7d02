// Sign-in with a token. It is tried before it is kept.

import { useState } from 'preact/hooks';

import { ApiError, call } from '../api/client';
import { useAction } from '../live';
import { Problem, Title, useTitle } from '../parts/basics';
import { Text } from '../parts/forms';
import { Waves } from '../parts/waves';
import { signIn, type Ended } from '../session';

export function SignIn({ ended }: { ended?: Ended | undefined }) {
  useTitle('Sign in');
  const [given, setGiven] = useState('');
  const [wrong, setWrong] = useState<string>();
  const { run, busy, error } = useAction(async () => {
    const token = given.trim();
    setWrong(undefined);
    try {
      await call('GET /regulations', { query: { 'pagination.count': 1 } }, token);
    } catch (failed) {
      if (failed instanceof ApiError && failed.status === 401) {
        setWrong('Lethe does not know this token. It may be mistyped, revoked or expired; ask whoever runs Lethe for a new one.');
        return;
      }
      // A token that may not list requests may still do other things.
      if (!(failed instanceof ApiError && failed.status === 403)) throw failed;
    }
    signIn(token);
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (!given.trim()) setWrong('Paste your token first.');
    else void run();
  };
  return (
    <main class="sign">
      <p class="brand">
        <Waves />
        Lethe
      </p>
      <Title>Sign in</Title>
      {ended === 'expired' && (
        <p class="problem" role="alert">
          Lethe no longer accepts your token: sign in again.
        </p>
      )}
      <form onSubmit={submit} noValidate>
        <Text
          label="Token"
          type="password"
          value={given}
          onInput={setGiven}
          wrong={wrong}
          help="Whoever runs Lethe gives you one. It is kept in this tab only, until you close it or sign out."
        />
        {error && <Problem error={error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={busy}>
            {busy ? 'Checking…' : 'Sign in'}
          </button>
        </div>
      </form>
    </main>
  );
}
