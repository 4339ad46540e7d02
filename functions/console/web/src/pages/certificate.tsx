// The certificate: what was done, signed. Read, checked in this browser, downloaded, printed.

import { call } from '../api/client';
import { useTitles } from '../catalogue';
import { check, type Checked, type Claims } from '../certificate';
import { people } from '../format';
import { useLive } from '../live';
import { Known, Section, Table, Time, Title, useTitle } from '../parts/basics';
import { download } from '../parts/forms';
import { Shape, State } from '../parts/state';
import { Link, href } from '../router';
import { amount } from '../verdict';
import { STATUS, TASK, TYPE } from '../words';

export function Certificate({ id }: { id: string }) {
  useTitle('Certificate');
  const live = useLive(
    `certificate ${id}`,
    async (signal) => {
      const [{ certificate }, { keys }] = await Promise.all([
        call('GET /regulations/{id}/certificate', { path: { id }, signal }),
        call('GET /.well-known/jwks.json', { signal }),
      ]);
      return { jws: certificate, keys, checked: await check(certificate, keys) };
    },
    0,
  );
  return (
    <div class="page">
      <p class="crumb screen">
        <Link to={href(`/requests/${id}`)}>Back to the request</Link>
      </p>
      <Known live={live} what="the certificate">
        {({ jws, keys, checked }) => (
          <>
            <div class="row screen">
              <button type="button" class="button primary" onClick={() => download(`${checked.claims.jti}.jws`, 'application/jose', jws)}>
                Download the certificate
              </button>
              <button type="button" class="button" onClick={() => download('lethe-keys.json', 'application/json', JSON.stringify({ keys }, null, 2))}>
                Download the key to check it with
              </button>
              <button type="button" class="button" onClick={() => print()}>
                Print
              </button>
            </div>
            <Sheet checked={checked} />
          </>
        )}
      </Known>
    </div>
  );
}

function Sheet({ checked }: { checked: Checked }) {
  const { claims, kid } = checked;
  const { regulation } = claims;
  return (
    <article class="sheet">
      <div class="stack">
        <Title>Certificate of deletion</Title>
        <Seals checked={checked} />
      </div>
      <dl class="facts">
        <dt>Request</dt>
        <dd>{TYPE[regulation.regulationType].title}</dd>
        <dt>For</dt>
        <dd>{people(regulation.subjectCount)}</dd>
        <dt>Asked</dt>
        <dd>
          <Time at={regulation.createdAt} />
        </dd>
        <dt>Ended</dt>
        <dd>{regulation.finishedAt ? <Time at={regulation.finishedAt} /> : '–'}</dd>
        <dt>Outcome</dt>
        <dd>
          <State said={STATUS[regulation.status]} />
        </dd>
        <dt>Issued</dt>
        <dd>
          <Time at={new Date(claims.iat * 1000).toISOString()} /> by {claims.iss}
        </dd>
        <dt>Number</dt>
        <dd class="mono">{claims.jti}</dd>
        <dt>Signing key</dt>
        <dd class="mono">{kid}</dd>
      </dl>
      <Places claims={claims} />
      <Chain claims={claims} />
      <Section title="Whom it is about" id="subjects">
        <p class="help">By pseudonym. Whoever holds the pseudonym key can tell whether a given identifier is among them; nobody else can.</p>
        <ul class="hashes">
          {claims.subjects.slice(0, 50).map((subject) => (
            <li key={subject}>{subject}</li>
          ))}
          {claims.subjects.length > 50 && <li>and {people(claims.subjects.length - 50)} more, in the file</li>}
        </ul>
      </Section>
    </article>
  );
}

function Seals({ checked: { signature, chain } }: { checked: Checked }) {
  const seal = (holds: boolean | undefined, good: string, bad: string) => (
    <p class={`seal tone-${holds === undefined ? 'note' : holds ? 'done' : 'alert'}`}>
      <span class="state">
        <Shape tone={holds === undefined ? 'note' : holds ? 'done' : 'alert'} />
      </span>
      {holds === undefined ? 'Not checked here: browsers check signatures over https only.' : holds ? good : bad}
    </p>
  );
  return (
    <div>
      {seal(signature, 'The signature is valid: nothing was changed since it was issued.', 'The signature is NOT valid: do not rely on this certificate.')}
      {chain !== undefined && seal(chain, 'The chain of evidence is unbroken.', 'The chain of evidence is broken: something was changed, added or taken out.')}
    </div>
  );
}

function Places({ claims }: { claims: Claims }) {
  const title = useTitles();
  if (claims.destinations.length === 0) return null;
  return (
    <Section title="Places">
      <Table caption="Places">
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col">Outcome</th>
            <th scope="col">Since</th>
          </tr>
        </thead>
        <tbody>
          {claims.destinations.map((place) => (
            <tr key={place.id}>
              <th scope="row">
                {place.name} {title(place.vendor) !== place.name && <span class="soft small">{title(place.vendor)}</span>}
              </th>
              <td>
                <State said={TASK[place.status]} />
              </td>
              <td>{place.finishedAt ? <Time at={place.finishedAt} /> : '–'}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}

const STEP: Record<string, string> = {
  suppress: 'Suppression list',
  find: 'Looked for',
  forget: 'Removed',
  verify: 'Looked again',
  forward: 'Told the vendor',
};

function Chain({ claims }: { claims: Claims }) {
  const name = (id: string | null | undefined) => claims.destinations.find((place) => place.id === id)?.name ?? '';
  return (
    <Section title="Evidence">
      <Table caption="Evidence, in the order of its hashes">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Place</th>
            <th scope="col">Counted</th>
            <th scope="col" class="wide">
              Hash
            </th>
          </tr>
        </thead>
        <tbody>
          {claims.evidence.map((link) => (
            <tr key={link.hash}>
              <th scope="row">
                {STEP[link.step] ?? link.step}
                <br />
                <span class="soft small">
                  <Time at={link.at} />
                </span>
              </th>
              <td>{name(link.destinationId)}</td>
              <td>{link.step === 'verify' ? `${amount(link.counts)} left` : amount(link.counts)}</td>
              <td class="wide hashes">{link.hash.slice(0, 16)}…</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}
