// Asks for one person. What was typed stays in memory: an identifier may not stand in an address.

import { useState } from 'preact/hooks';

import type { SubjectType, Whom } from '../api/schema';
import { words } from '../words';
import { Select, Text } from './forms';

export function PersonSearch({ onSearch }: { onSearch: (who: Whom | undefined) => void }) {
  const [id, setId] = useState('');
  const [type, setType] = useState<SubjectType>('USER_ID');
  const submit = (event: Event) => {
    event.preventDefault();
    onSearch(id.trim() ? { type, id: id.trim() } : undefined);
  };
  return (
    <form class="filters" role="search" onSubmit={submit}>
      <Text label={words.search.label} type="search" value={id} onInput={(text) => (text ? setId(text) : (setId(''), onSearch(undefined)))} />
      <Select label={words.search.by} value={type} options={KINDS} onChange={setType} />
      <button type="submit" class="button">
        {words.search.find}
      </button>
    </form>
  );
}

const KINDS: [SubjectType, string][] = [
  ['USER_ID', words.subject.USER_ID],
  ['ANONYMOUS_ID', words.subject.ANONYMOUS_ID],
  ['EMAIL', words.subject.EMAIL],
  ['PHONE', words.subject.PHONE],
];
