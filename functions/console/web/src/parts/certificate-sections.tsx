// The sections of a certificate: each place and who confirms it, what remains, what is not covered, how to verify it.

import { told, type Claims, type Place as Told } from '../certificate';
import { exact, number } from '../format';
import { TASK, erases, suppresses, vendor } from '../states';
import { few, leftovers, marks, places } from '../verdict';
import { words } from '../words';
import { Dated, Section } from './basics';
import { State } from './state';

const said = words.certificate;

export function Places({ claims }: { claims: Claims }) {
  if (claims.destinations.length === 0) return null;
  const steps = places(told(claims));
  return (
    <Section title={said.systems} id="systems">
      <ul class="places">
        {claims.destinations.map((place, at) => (
          <li key={place.id} class="place">
            <div>
              <h3>{place.name}</h3>
              <p>{[vendor(place.vendor), words.kind[place.kind].one].filter((one) => one !== place.name).join(' · ')}</p>
            </div>
            <div>
              <State said={TASK[place.status]} />
              {place.finishedAt && (
                <p class="soft small">
                  {words.request.since} {exact(place.finishedAt)}
                </p>
              )}
            </div>
            <ol class="rail" aria-label={words.request.timeline(place.name)}>
              {marks(steps[at]!)
                .filter(({ amount }) => amount)
                .map(({ what, amount }) => (
                  <li key={what}>
                    <span class="what">{what}</span>
                    <span class="number">{amount}</span>
                  </li>
                ))}
            </ol>
            <p class="said">{confirmedBy(place)}</p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** In plain words: a search of Lethe's own, a vendor's answer, or nobody. */
function confirmedBy({ kind, name: place, status, vendor: name }: Told): string {
  const { confirms } = said;
  if (status === 'ACCEPTED') return `${confirms.nobody} ${TASK.ACCEPTED.means}`;
  if (status === 'FAILED') return words.left.failed(place);
  if (status !== 'CONFIRMED' && status !== 'NO_DATA_FOUND') return TASK[status].means;
  const who = kind === 'CLOUD' ? confirms.vendor(vendor(name)) : status === 'CONFIRMED' ? confirms.own : confirms.ownNothing;
  return status === 'CONFIRMED' ? who : `${TASK[status].means} ${who}`;
}

export function Remains({ claims }: { claims: Claims }) {
  if (!erases(claims.regulation.regulationType)) return null;
  const request = told(claims);
  const left = [...leftovers(request), ...excepted(claims)];
  const accepted = claims.destinations.filter(({ status }) => status === 'ACCEPTED').map(({ name }) => name);
  return (
    <>
      <Section title={said.left} id="left">
        {left.length === 0 ? (
          <p>{said.leftNothing}</p>
        ) : (
          <ul class="points">
            {left.map((text) => (
              <li key={text}>
                <Dated text={text} />
              </li>
            ))}
          </ul>
        )}
      </Section>
      {accepted.length > 0 && (
        <Section title={said.accepted} id="accepted">
          <p>{said.acceptedWhy(few(accepted))}</p>
        </Section>
      )}
    </>
  );
}

/** Who said that what nobody can read may stay, and why. */
function excepted(claims: Claims): string[] {
  return places(told(claims)).flatMap(({ name, evidence }) =>
    (evidence.verify?.exceptions ?? []).map(({ objects, createdBy, until, reason }) => `${name}: ${said.excepted(objects, createdBy, exact(until), reason)}.`),
  );
}

export function Limits({ claims: { regulation } }: { claims: Claims }) {
  const { limit } = said;
  const { regulationType, status, attempt } = regulation;
  const deletes = erases(regulationType);
  const failed = status === 'FAILED' || status === 'PARTIAL_SUCCESS';
  const all = [
    deletes && limit.systems,
    deletes && limit.vendors,
    deletes && limit.later,
    suppresses(regulationType) && limit.list,
    failed ? limit.retry : limit.recovery,
    `${limit.attempts} ${number(attempt)}.`,
  ];
  return (
    <Section title={said.limits} id="limits">
      <ul class="points">{all.map((text) => text && <li key={text}>{text}</li>)}</ul>
    </Section>
  );
}

export function Verifying({ claims: { jti }, kid }: { claims: Claims; kid: string }) {
  return (
    <Section title={said.verify} id="verify">
      <ul class="points">
        <li>
          {said.verifyFile} <span class="mono">{jti}.jws</span>
        </li>
        <li>
          {said.verifyKeys} <span class="mono">{location.origin}/.well-known/jwks.json</span> (<span class="mono">lethe-keys.json</span>). {said.verifyKey}{' '}
          <span class="mono">{kid}</span>
        </li>
        <li>
          {said.verifyHow} <code class="command">make verify CERT={jti}.jws KEYS=lethe-keys.json</code>
        </li>
        <li>{said.verifyOwn}</li>
      </ul>
    </Section>
  );
}
