// The certificate: what was done, signed. Read, checked in this browser, downloaded, printed.

import { call } from '../api/client';
import { check, type Checked, type Claims } from '../certificate';
import { useLive } from '../live';
import { Known, Section, Table, Time, Title, useTitle } from '../parts/basics';
import { download } from '../parts/forms';
import { Shape, State } from '../parts/state';
import { Link, href } from '../router';
import { amount } from '../verdict';
import { STATUS, TASK, vendor } from '../states';
import { words } from '../words';

const said = words.certificate;
const { people } = words.common;

export function Certificate({ id }: { id: string }) {
  useTitle(said.crumb);
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
        <Link to={href(`/requests/${id}`)}>{said.back}</Link>
      </p>
      <Known live={live} what={words.things.certificate}>
        {({ jws, keys, checked }) => (
          <>
            <div class="row screen">
              <button type="button" class="button primary" onClick={() => download(`${checked.claims.jti}.jws`, 'application/jose', jws)}>
                {said.download}
              </button>
              <button type="button" class="button" onClick={() => download('lethe-keys.json', 'application/json', JSON.stringify({ keys }, null, 2))}>
                {said.downloadKey}
              </button>
              <button type="button" class="button" onClick={() => print()}>
                {said.print}
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
        <Title>{said.title}</Title>
        <Seals checked={checked} />
      </div>
      <dl class="facts">
        <dt>{said.request}</dt>
        <dd>{words.type[regulation.regulationType].title}</dd>
        <dt>{said.for}</dt>
        <dd>{people(regulation.subjectCount)}</dd>
        <dt>{said.received}</dt>
        <dd>
          <Time at={regulation.createdAt} />
        </dd>
        <dt>{said.ended}</dt>
        <dd>{regulation.finishedAt ? <Time at={regulation.finishedAt} /> : words.common.none}</dd>
        <dt>{said.outcome}</dt>
        <dd>
          <State said={STATUS[regulation.status]} />
        </dd>
        <dt>{said.issued}</dt>
        <dd>
          <Time at={new Date(claims.iat * 1000).toISOString()} /> {said.by(claims.iss)}
        </dd>
        <dt>{said.id}</dt>
        <dd class="mono">{claims.jti}</dd>
        <dt>{said.key}</dt>
        <dd class="mono">{kid}</dd>
      </dl>
      <Places claims={claims} />
      <Chain claims={claims} />
      <Section title={said.subjects} id="subjects">
        <p class="help">{said.subjectsHelp}</p>
        <ul class="hashes">
          {claims.subjects.slice(0, 50).map((subject) => (
            <li key={subject}>{subject}</li>
          ))}
          {claims.subjects.length > 50 && <li>{said.moreSubjects(claims.subjects.length - 50)}</li>}
        </ul>
      </Section>
      <Section title={said.how} id="how">
        <p class="help">{said.howHelp}</p>
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
      {holds === undefined ? said.notChecked : holds ? good : bad}
    </p>
  );
  return (
    <div>
      {seal(signature, said.valid, said.invalid)}
      {chain !== undefined && seal(chain, said.unbroken, said.broken)}
    </div>
  );
}

function Places({ claims }: { claims: Claims }) {
  if (claims.destinations.length === 0) return null;
  return (
    <Section title={said.systems}>
      <Table caption={said.systems}>
        <thead>
          <tr>
            <th scope="col">{said.system}</th>
            <th scope="col">{said.outcome}</th>
            <th scope="col">{said.since}</th>
          </tr>
        </thead>
        <tbody>
          {claims.destinations.map((place) => (
            <tr key={place.id}>
              <th scope="row">
                {place.name} {vendor(place.vendor) !== place.name && <span class="soft small">{vendor(place.vendor)}</span>}
              </th>
              <td>
                <State said={TASK[place.status]} />
              </td>
              <td>{place.finishedAt ? <Time at={place.finishedAt} /> : words.common.none}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}

function Chain({ claims }: { claims: Claims }) {
  const name = (id: string | null | undefined) => claims.destinations.find((place) => place.id === id)?.name ?? '';
  return (
    <Section title={said.evidence}>
      <Table caption={said.evidenceTable}>
        <thead>
          <tr>
            <th scope="col">{said.step}</th>
            <th scope="col">{said.system}</th>
            <th scope="col">{said.counted}</th>
            <th scope="col" class="wide">
              {said.hash}
            </th>
          </tr>
        </thead>
        <tbody>
          {claims.evidence.map((link) => (
            <tr key={link.hash}>
              <th scope="row">
                {said.steps[link.step]}
                <br />
                <span class="soft small">
                  <Time at={link.at} />
                </span>
              </th>
              <td>{name(link.destinationId)}</td>
              <td>{link.step === 'verify' ? words.counts.left(amount(link.counts)) : amount(link.counts)}</td>
              <td class="wide hashes">{link.hash.slice(0, 16)}…</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}
