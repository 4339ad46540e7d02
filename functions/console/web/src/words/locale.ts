// The reader's language and the way they write dates: the browser's, unless another was chosen here.

export const LANGUAGES = { en: 'English', de: 'Deutsch' };

export type Language = keyof typeof LANGUAGES;

const KEY = 'lethe-language';

const wanted = [globalThis.localStorage?.getItem(KEY) ?? '', ...(globalThis.navigator?.languages ?? [])];

const known = (tag: string): Language | undefined => (Object.keys(LANGUAGES) as Language[]).find((one) => tag.toLowerCase().startsWith(one));

export const language: Language = wanted.map(known).find(Boolean) ?? 'en';

/** With the region, which decides how dates look. */
export const locale: string = wanted.find((tag) => tag.length > 2 && known(tag) === language) ?? { en: 'en-GB', de: 'de-DE' }[language];

export function chooseLanguage(chosen: Language): void {
  globalThis.localStorage?.setItem(KEY, chosen);
  location.reload();
}
