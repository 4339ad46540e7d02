// The way through a list that the API gives page by page. Cursors stay in memory: nobody keeps them.

export function Pager(props: { cursors: string[]; next?: string | null | undefined; onMove: (cursors: string[]) => void; words?: [string, string] }) {
  const { cursors, next, onMove, words = ['Newer', 'Older'] } = props;
  if (cursors.length === 0 && !next) return null;
  return (
    <nav class="row" aria-label="Pages of the list">
      <button type="button" class="button" disabled={cursors.length === 0} onClick={() => onMove(cursors.slice(0, -1))}>
        {words[0]}
      </button>
      <button type="button" class="button" disabled={!next} onClick={() => next && onMove([...cursors, next])}>
        {words[1]}
      </button>
      <span class="soft small">Page {cursors.length + 1}</span>
    </nav>
  );
}
