// The certificate: what was done, signed. Read, checked in this browser, downloaded, printed.

import { useEffect } from 'preact/hooks';

import { ApiError, call, type Given } from '../api/client';
import { check, sha256, told, type Checked } from '../certificate';
import { facts, issuerOf, titleOf, verifyAt } from '../certificate-says';
import { useAction, useLive } from '../live';
import { checkReceipt } from '../log';
import { Known, Problem, Section, Title, useTitle } from '../parts/basics';
import { Evidence, Pseudonyms } from '../parts/certificate-appendices';
import { Limits, Places, Remains, Verifying } from '../parts/certificate-sections';
import { download } from '../parts/forms';
import { Shape } from '../parts/state';
import { Link, href } from '../router';
import { question, verdict } from '../verdict';
import { words } from '../words';
import { words as proof } from '../words/proof';

const said = proof.certificate;

interface Certified {
  jws: string;
  /** The API's answer: the certificate with what shows that it is in the log. */
  answer: Given<'GET /regulations/{id}/certificate'>;
  keys: Parameters<typeof check>[1];
  checked: Checked;
  /** Where anyone may verify it; none where the browser gives no cryptography. */
  at: string | undefined;
}

export function Certificate({ id }: { id: string }) {
  useTitle(said.crumb);
  const live = useLive<Certified>(
    `certificate ${id}`,
    async (signal) => {
      const [answer, { keys }] = await Promise.all([
        call('GET /regulations/{id}/certificate', { path: { id }, signal }),
        call('GET /.well-known/jwks.json', { signal }),
      ]);
      const { certificate, receipt } = answer;
      const checked = await check(certificate, keys);
      if (receipt && checked.signature !== undefined) {
        const place = await checkReceipt(certificate, receipt, keys);
        checked.place = typeof place === 'object' && place;
      }
      const at = checked.signature === undefined ? undefined : verifyAt(checked.claims.jti, await sha256(certificate));
      return { jws: certificate, answer, keys, checked, at };
    },
    0,
  );
  return (
    <div class="page">
      <p class="crumb screen">
        <Link to={href(`/requests/${id}`)}>{said.back}</Link>
      </p>
      <Known live={live} what={words.things.certificate}>
        {(certified) => (
          <>
            <Downloads {...certified} />
            <Sheet {...certified} />
          </>
        )}
      </Known>
    </div>
  );
}

function Downloads({ jws, answer, keys, checked }: Certified) {
  const { jti } = checked.claims;
  const paper = useAction(async () => {
    // The library and the letters come when they are first wanted.
    const made = import('../paper/certificate').then(({ certificatePdf }) => certificatePdf(jws, keys, checked));
    download(`${jti}.pdf`, 'application/pdf', await made.catch(() => Promise.reject(new ApiError(-1, said.noPdf))));
  });
  return (
    <>
      <div class="row screen">
        <button type="button" class="button primary" disabled={paper.busy || checked.signature === undefined} onClick={() => void paper.run()}>
          {paper.busy ? said.makingPdf : said.downloadPdf}
        </button>
        <button type="button" class="button" onClick={() => download(`${jti}.jws`, 'application/jose', jws)}>
          {said.download}
        </button>
        <button type="button" class="button" onClick={() => download(`${jti}.json`, 'application/json', JSON.stringify(answer, null, 2))}>
          {said.downloadJson}
        </button>
        <button type="button" class="button" onClick={() => download('lethe-keys.json', 'application/json', JSON.stringify({ keys }, null, 2))}>
          {said.downloadKey}
        </button>
        <button type="button" class="button" onClick={() => print()}>
          {said.print}
        </button>
        <Link to={href('/verify')}>{said.toVerify}</Link>
      </div>
      {paper.error && <Problem error={paper.error} />}
    </>
  );
}

function Sheet({ checked, at }: Certified) {
  const { claims, kid, place } = checked;
  const title = titleOf(claims);
  useTitle(`${title}, ${claims.jti}`);
  useFoot(claims.jti);
  const [issuer, ...more] = issuerOf(claims);
  return (
    <article class="sheet">
      <header class="stack">
        <p>
          <strong>
            {said.issuer}: {issuer}
          </strong>
          {more.length > 0 && (
            <>
              <br />
              <span class="soft">{more.join(' · ')}</span>
            </>
          )}
        </p>
        <Title>{title}</Title>
        <Seals checked={checked} />
      </header>
      <Answer checked={checked} />
      <dl class="facts">
        {facts(claims, place).map(({ name, value, note, id }) => (
          <>
            <dt>{name}</dt>
            <dd class={id ? 'mono' : undefined}>
              {value} {note && <span class="soft">{note}</span>}
            </dd>
          </>
        ))}
      </dl>
      <Places claims={claims} />
      <Remains claims={claims} />
      <Limits claims={claims} />
      <Verifying claims={claims} kid={kid} at={at} />
      <Section title={said.how} id="how">
        <p class="help">{said.howHelp}</p>
      </Section>
      <Evidence claims={claims} />
      <Pseudonyms claims={claims} />
    </article>
  );
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

function Seals({ checked: { signature, chain, place } }: { checked: Checked }) {
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
      {place === false && seal(place, '', said.notInLog)}
    </div>
  );
}

function Answer({ checked: { claims } }: { checked: Checked }) {
  const request = told(claims);
  const { tone, answer } = verdict(request);
  return (
    <Section title={question(request)} id="answer">
      <p class={`answer tone-${tone}`}>{answer}</p>
    </Section>
  );
}
