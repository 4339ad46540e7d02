// What can be connected, asked of the API once: the names of vendors come from there.

import { useEffect, useState } from 'preact/hooks';

import { call } from './api/client';

let titles: Promise<Map<string, string>> | undefined;

function load(): Promise<Map<string, string>> {
  titles ??= call('GET /destinations/catalog').then(({ catalog }) => new Map(catalog.map(({ vendor, title }) => [vendor, title])));
  titles.catch(() => (titles = undefined));
  return titles;
}

/** A vendor as it writes itself; its name in the API until that is known. */
export function useTitles(): (vendor: string) => string {
  const [known, setKnown] = useState<Map<string, string>>();
  useEffect(() => void load().then(setKnown, () => undefined), []);
  return (vendor) => known?.get(vendor) ?? vendor;
}
