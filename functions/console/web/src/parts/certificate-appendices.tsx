// The appendices of a certificate: the people, by pseudonym, and the evidence.

import type { Claims } from '../certificate';
import { number, utc } from '../format';
import { amount } from '../verdict';
import { words } from '../words';
import { words as proof } from '../words/proof';
import { Section, Table } from './basics';

const said = proof.certificate;

/** More would make a book of it; the file has all. */
const SHOWN = 1_000;

export function Pseudonyms({ claims }: { claims: Claims }) {
  const groups = (['subjects', 'linkedSubjects', 'resolvedSubjects', 'leftOut'] as const).filter((name) => claims[name]?.length);
  return (
    <Section title={said.subjects} id="subjects">
      <p class="help">{said.subjectsHelp}</p>
      {groups.map((name) => {
        const all = claims[name] ?? [];
        return (
          <div key={name}>
            <h3 id={name}>
              {said.groups[name]} ({number(all.length)})
            </h3>
            <ul class="hashes box" tabIndex={0} aria-labelledby={name}>
              {all.slice(0, SHOWN).map((pseudonym) => (
                <li key={pseudonym}>{pseudonym}</li>
              ))}
              {all.length > SHOWN && <li>{said.moreSubjects(all.length - SHOWN)}</li>}
            </ul>
          </div>
        );
      })}
    </Section>
  );
}

export function Evidence({ claims }: { claims: Claims }) {
  const name = (id: string | null | undefined) => (id ? (claims.destinations.find((place) => place.id === id)?.name ?? '') : said.list);
  return (
    <Section title={said.evidence} id="evidence">
      <p class="help">{said.evidenceHelp}</p>
      <Table caption={said.evidenceTable}>
        <thead>
          <tr>
            <th scope="col">{said.step}</th>
            <th scope="col">{said.system}</th>
            <th scope="col">{said.when}</th>
            <th scope="col">{said.counted}</th>
            <th scope="col" class="wide">
              {said.hash}
            </th>
          </tr>
        </thead>
        <tbody>
          {claims.evidence.map((link) => (
            <tr key={link.hash}>
              <th scope="row">{said.steps[link.step]}</th>
              <td>{name(link.destinationId)}</td>
              <td class="moment">{utc(link.at)}</td>
              <td>{link.step === 'verify' ? words.counts.left(amount(link.counts)) : amount(link.counts)}</td>
              <td class="wide hashes">{link.hash.slice(0, 16)}…</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}
