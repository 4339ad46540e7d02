// The mark of Lethe, the river.

export function Waves() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round">
      <path d="M2 7c3.300-3 6.700-3 10 0s6.700 3 10 0M2 13c3.300-3 6.700-3 10 0s6.700 3 10 0" />
      <path d="M2 19c3.300-3 6.700-3 10 0" opacity=".45" />
    </svg>
  );
}
