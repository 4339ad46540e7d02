// The way through a list that the API gives page by page. Cursors stay in memory: nobody keeps them.

import { words as said } from '../words';

export function Pager(props: { cursors: string[]; next?: string | null | undefined; onMove: (cursors: string[]) => void; words?: [string, string] }) {
  const { cursors, next, onMove, words = [said.common.newer, said.common.older] } = props;
  if (cursors.length === 0 && !next) return null;
  return (
    <nav class="row" aria-label={said.common.listPages}>
      <button type="button" class="button" disabled={cursors.length === 0} onClick={() => onMove(cursors.slice(0, -1))}>
        {words[0]}
      </button>
      <button type="button" class="button" disabled={!next} onClick={() => next && onMove([...cursors, next])}>
        {words[1]}
      </button>
      <span class="soft small">{said.common.page(cursors.length + 1)}</span>
    </nav>
  );
}
