// Sign-in with a token. It is tried before it is kept.

import { useState } from 'preact/hooks';

import { ApiError, call } from '../api/client';
import { useAction } from '../live';
import { Problem, Title, useTitle } from '../parts/basics';
import { Text } from '../parts/forms';
import { Waves } from '../parts/waves';
import { Link, href } from '../router';
import { signIn, type Ended } from '../session';
import { words } from '../words';

const said = words.signIn;

export function SignIn({ ended }: { ended?: Ended | undefined }) {
  useTitle(said.title);
  const [given, setGiven] = useState('');
  const [wrong, setWrong] = useState<string>();
  const { run, busy, error } = useAction(async () => {
    const token = given.trim();
    setWrong(undefined);
    try {
      await call('GET /regulations', { query: { 'pagination.count': 1 } }, token);
    } catch (failed) {
      if (failed instanceof ApiError && failed.status === 401) {
        setWrong(said.unknown);
        return;
      }
      // A token that may not list requests may still do other things.
      if (!(failed instanceof ApiError && failed.status === 403)) throw failed;
    }
    signIn(token);
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (!given.trim()) setWrong(said.empty);
    else void run();
  };
  return (
    <main class="sign">
      <p class="brand">
        <Waves />
        Lethe
      </p>
      <Title>{said.title}</Title>
      {ended === 'expired' && (
        <p class="problem" role="alert">
          {said.expired}
        </p>
      )}
      <form onSubmit={submit} noValidate>
        <Text
          label={said.token}
          type="password"
          value={given}
          onInput={setGiven}
          wrong={wrong}
          help={said.help}
        />
        {error && <Problem error={error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={busy}>
            {busy ? words.common.checking : said.title}
          </button>
        </div>
      </form>
      <p>
        <Link to={href('/verify')}>{said.verify}</Link>
      </p>
    </main>
  );
}
