// The way through a list that the API gives page by page. Cursors stay in memory: nobody keeps them.

export function Pager(props: { cursors: string[]; next?: string | null | undefined; onMove: (cursors: string[]) => void }) {
  const { cursors, next, onMove } = props;
  if (cursors.length === 0 && !next) return null;
  return (
    <nav class="row" aria-label="Pages of the list">
      <button type="button" class="button" disabled={cursors.length === 0} onClick={() => onMove(cursors.slice(0, -1))}>
        Newer
      </button>
      <button type="button" class="button" disabled={!next} onClick={() => next && onMove([...cursors, next])}>
        Older
      </button>
      <span class="soft small">Page {cursors.length + 1}</span>
    </nav>
  );
}
