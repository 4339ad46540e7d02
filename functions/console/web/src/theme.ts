// Light, dark, or as the reader's system is.

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'lethe-theme';

export const theme = (): Theme => (localStorage.getItem(KEY) as Theme | null) ?? 'system';

export function applyTheme(chosen: Theme = theme()): void {
  localStorage.setItem(KEY, chosen);
  document.documentElement.dataset.theme = chosen;
}
