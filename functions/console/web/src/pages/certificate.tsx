// The certificate: what was done, signed. Read, checked in this browser, downloaded, printed.

import { useEffect } from 'preact/hooks';

import { call } from '../api/client';
import { check, daysBegun, told, type Checked, type Claims } from '../certificate';
import { DEADLINE_DAYS } from '../clock';
import { exact, list } from '../format';
import { useLive } from '../live';
import { Known, Section, Title, useTitle } from '../parts/basics';
import { Evidence, Pseudonyms } from '../parts/certificate-appendices';
import { Limits, Places, Remains, Verifying } from '../parts/certificate-sections';
import { download } from '../parts/forms';
import { Shape, State } from '../parts/state';
import { Link, href } from '../router';
import { STATUS, erases, kindOf, suppresses } from '../states';
import { question, verdict } from '../verdict';
import { words } from '../words';

const said = words.certificate;

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
              <button type="button" class="button" onClick={() => download(`${checked.claims.jti}.json`, 'application/json', JSON.stringify(checked.claims, null, 2))}>
                {said.downloadClaims}
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
  const title = titleOf(claims);
  useTitle(`${title}, ${claims.jti}`);
  useFoot(claims.jti);
  return (
    <article class="sheet">
      <header class="stack">
        <Title>{title}</Title>
        <Seals checked={checked} />
      </header>
      <Answer claims={claims} />
      <Facts claims={claims} />
      <Places claims={claims} />
      <Remains claims={claims} />
      <Limits claims={claims} />
      <Verifying claims={claims} kid={kid} />
      <Section title={said.how} id="how">
        <p class="help">{said.howHelp}</p>
      </Section>
      <Pseudonyms claims={claims} />
      <Evidence claims={claims} />
    </article>
  );
}

function titleOf({ regulation: { regulationType, status } }: Claims): string {
  const { titles } = said;
  const suppressing = suppresses(regulationType);
  const title = erases(regulationType) ? titles[suppressing ? 'deleteSuppress' : 'delete'] : titles[suppressing ? 'suppress' : 'lift'];
  return status === 'FINISHED' ? title : said.incomplete(title);
}

/** Which certificate and which page, at the foot of each page on paper. The policy allows no sheet of the page's own but this kind. */
function useFoot(jti: string): void {
  useEffect(() => {
    const sheet = new CSSStyleSheet();
    const text = JSON.stringify(`${said.id} ${jti.replace(/[^\w-]/g, '')}`);
    sheet.replaceSync(`@page { @bottom-left { content: ${text} } @bottom-right { content: ${JSON.stringify(`${said.page} `)} counter(page) " / " counter(pages) } }`);
    document.adoptedStyleSheets.push(sheet);
    return () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    };
  }, [jti]);
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

function Answer({ claims }: { claims: Claims }) {
  const request = told(claims);
  const { tone, answer } = verdict(request);
  return (
    <Section title={question(request)} id="answer">
      <p class={`answer tone-${tone}`}>{answer}</p>
    </Section>
  );
}

function Facts({ claims: { iat, iss, jti, regulation } }: { claims: Claims }) {
  const { regulationType, createdAt, finishedAt, part, status } = regulation;
  const kind = words.type[regulationType];
  return (
    <dl class="facts">
      <dt>{said.request}</dt>
      <dd>
        {kind.title}. <span class="soft">{kind.touches.join('. ')}.</span>
      </dd>
      <dt>{said.for}</dt>
      <dd>{words.request.by(words.common.people(regulation.subjectCount), list(Object.keys(regulation.identifiers ?? { [regulation.subjectType]: 1 }).map(kindOf)))}</dd>
      {part && (
        <>
          <dt>{words.request.source}</dt>
          <dd class="mono">{[part.sourceId, part.collection].filter(Boolean).join(' / ')}</dd>
        </>
      )}
      <dt>{said.received}</dt>
      <dd>{exact(createdAt)}</dd>
      {finishedAt && (
        <>
          <dt>{said.ended}</dt>
          <dd>{exact(finishedAt)}</dd>
          <dt>{said.used}</dt>
          <dd>
            {said.days(daysBegun(createdAt, finishedAt), DEADLINE_DAYS)}
            {status !== 'FINISHED' && said.daysOpen}.
          </dd>
        </>
      )}
      <dt>{said.outcome}</dt>
      <dd>
        <State said={STATUS[status]} /> <span class="soft">{STATUS[status].means}</span>
      </dd>
      <dt>{said.issued}</dt>
      <dd>
        {exact(iat * 1000)} {said.by(iss)}
      </dd>
      <dt>{said.id}</dt>
      <dd class="mono">{jti}</dd>
    </dl>
  );
}
