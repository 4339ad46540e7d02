// The sections of a certificate: each place and who confirms it, what remains, what is not covered, how to verify it.

import type { Claims } from '../certificate';
import { acceptedOnly, limitsOf, placesSaid, remaining } from '../certificate-says';
import { erases } from '../states';
import { words } from '../words';
import { words as proof } from '../words/proof';
import { Section } from './basics';
import { QrCode } from './qr-code';
import { Shape } from './state';

const said = proof.certificate;

export function Places({ claims }: { claims: Claims }) {
  if (claims.destinations.length === 0) return null;
  return (
    <Section title={said.systems} id="systems">
      <ul class="places">
        {placesSaid(claims).map(({ id, name, what, tone, word, since, counts, confirmedBy }) => (
          <li key={id} class="place">
            <div>
              <h3>{name}</h3>
              <p>{what}</p>
            </div>
            <div>
              <span class={`state tone-${tone}`}>
                <Shape tone={tone} />
                {word}
              </span>
              {since && <p class="soft small">{since}</p>}
            </div>
            <ol class="rail" aria-label={words.request.timeline(name)}>
              {counts.map(({ what, amount }) => (
                <li key={what}>
                  <span class="what">{what}</span>
                  <span class="number">{amount}</span>
                </li>
              ))}
            </ol>
            <p class="said">{confirmedBy}</p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

export function Remains({ claims }: { claims: Claims }) {
  if (!erases(claims.regulation.regulationType)) return null;
  const left = remaining(claims);
  const accepted = acceptedOnly(claims);
  return (
    <>
      <Section title={said.left} id="left">
        {left.length === 0 ? <p>{said.leftNothing}</p> : <Points all={left} />}
      </Section>
      {accepted && (
        <Section title={said.accepted} id="accepted">
          <p>{accepted}</p>
        </Section>
      )}
    </>
  );
}

export function Limits({ claims }: { claims: Claims }) {
  return (
    <Section title={said.limits} id="limits">
      <Points all={limitsOf(claims)} />
    </Section>
  );
}

const Points = ({ all }: { all: string[] }) => (
  <ul class="points">
    {all.map((text) => (
      <li key={text}>{text}</li>
    ))}
  </ul>
);

export function Verifying({ claims: { jti }, kid, at }: { claims: Claims; kid: string; at: string | undefined }) {
  return (
    <Section title={said.verify} id="verify">
      {at && <QrCode text={at} label={said.verifyQr} />}
      <ul class="points">
        <li>
          {said.verifyFile} <span class="mono">{jti}.jws</span>
        </li>
        {at && (
          <li>
            {said.verifyPage} <a href={at}>{location.origin}/console/verify</a>
          </li>
        )}
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
