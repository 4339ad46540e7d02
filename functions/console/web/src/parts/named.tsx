// Whom a request names, while that is kept. Nothing is asked for before the reader wants it: each look is recorded.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { RegulationId, SubjectNamed } from '../api/schema';
import { number } from '../format';
import { useAction } from '../live';
import { kindOf } from '../states';
import { words } from '../words';
import { Problem, Table } from './basics';

const said = words.request;

export function Named({ id }: { id: RegulationId }) {
  const [seen, setSeen] = useState<{ subjects: SubjectNamed[]; next: string | null | undefined }>();
  const look = useAction(async () => {
    const query = { 'pagination.count': 100, ...(seen?.next && { 'pagination.cursor': seen.next }) };
    const { subjects, pagination } = await call('GET /regulations/{id}/subjects', { path: { id }, query });
    setSeen({ subjects: [...(seen?.subjects ?? []), ...subjects], next: pagination.next });
  });
  return (
    <>
      {seen && <Identifiers subjects={seen.subjects} />}
      {(!seen || seen.next) && (
        <div class="row">
          <button type="button" class="button small" disabled={look.busy} onClick={() => void look.run()}>
            {seen ? said.showMore : said.showNamed}
          </button>
          <span class="soft small">{said.namedHelp}</span>
        </div>
      )}
      {look.error && <Problem error={look.error} />}
    </>
  );
}

function Identifiers({ subjects }: { subjects: SubjectNamed[] }) {
  const people = subjects.some(({ person }) => typeof person === 'number');
  return (
    <Table caption={said.namedTable}>
      <thead>
        <tr>
          <th scope="col">{said.identifier}</th>
          <th scope="col">{said.kind}</th>
          {people && (
            <th scope="col" class="num">
              {said.person}
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {subjects.map(({ type, id, person }) => (
          <tr key={`${type} ${id}`}>
            <th scope="row" class="mono">
              {id}
            </th>
            <td>{kindOf(type)}</td>
            {people && <td class="num">{typeof person === 'number' ? number(person + 1) : words.common.none}</td>}
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
