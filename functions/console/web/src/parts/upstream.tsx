// Another tracking API that a source's events are sent on to. Its secret goes in and never comes out.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call } from '../api/client';
import type { Source, UpstreamFormat } from '../api/schema';
import { useAction } from '../live';
import { words } from '../words';
import { Problem, Section } from './basics';
import { Confirm } from './confirm';
import { Select, Text } from './forms';
import { toast } from './toast';

const said = words.upstream;

export function Upstream({ source: { id, upstream }, refresh }: { source: Source; refresh: () => void }) {
  const { admin } = useAccess();
  const [editing, setEditing] = useState(false);
  const [stopping, setStopping] = useState(false);
  const path = { id };
  const stop = async () => {
    await call('DELETE /sources/{id}/upstream', { path });
    toast(said.stopped);
    refresh();
  };
  return (
    <Section
      title={said.title}
      aside={
        admin && !editing && (
          <button type="button" class="button small" onClick={() => setEditing(true)}>
            {upstream ? said.change : said.setUp}
          </button>
        )
      }
    >
      {editing ? (
        <Form id={id} url={upstream?.url ?? ''} format={upstream?.format ?? 'segment'} done={() => (setEditing(false), refresh())} cancel={() => setEditing(false)} />
      ) : upstream ? (
        <>
          <dl class="facts">
            <dt>{said.url}</dt>
            <dd>{upstream.url}</dd>
            <dt>{said.format}</dt>
            <dd>{said.formats[upstream.format]}</dd>
            <dt>{said.secret[upstream.format]}</dt>
            <dd class="soft">{words.destinations.keptNeverShown}</dd>
          </dl>
          {admin && (
            <div class="row">
              <button type="button" class="button danger" onClick={() => setStopping(true)}>
                {said.stop}
              </button>
            </div>
          )}
        </>
      ) : (
        <p>{said.none}</p>
      )}
      {stopping && (
        <Confirm title={said.stopTitle} action={said.stopIt} act={stop} close={() => setStopping(false)}>
          {said.stopHelp}
        </Confirm>
      )}
    </Section>
  );
}

interface FormProps {
  id: string;
  url: string;
  format: UpstreamFormat;
  done: () => void;
  cancel: () => void;
}

function Form({ id, url: before, format: known, done, cancel }: FormProps) {
  const [url, setUrl] = useState(before);
  const [format, setFormat] = useState(known);
  const [secret, setSecret] = useState('');
  const [tried, setTried] = useState(false);
  const save = useAction(async () => {
    await call('PUT /sources/{id}/upstream', { path: { id }, body: { url: url.trim(), format, secret } });
    toast(said.saved);
    done();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (url.trim() && secret) void save.run();
  };
  const missing = (value: string) => (tried && !value.trim() ? words.common.required : undefined);
  const about = save.error?.field === 'url' ? save.error.message : undefined;
  return (
    <form class="stack narrow" onSubmit={submit} noValidate>
      <Select label={said.format} value={format} options={Object.entries(said.formats) as [UpstreamFormat, string][]} onChange={setFormat} />
      <Text label={said.url} help={said.urlHelp} value={url} onInput={setUrl} wrong={missing(url) ?? about} />
      <Text label={said.secret[format]} help={words.destinations.neverShown} type="password" value={secret} onInput={setSecret} wrong={missing(secret)} />
      {save.error && !about && <Problem error={save.error} />}
      <div class="row">
        <button type="submit" class="button primary" disabled={save.busy}>
          {words.common.save}
        </button>
        <button type="button" class="button" onClick={cancel}>
          {words.common.cancel}
        </button>
      </div>
    </form>
  );
}
