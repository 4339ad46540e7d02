// Every page, in the order of the menu. The path is the first part of the address after /console.

import type { FunctionComponent } from 'preact';

import type { Area } from '../access';
import type { Place } from '../router';
import { later } from '../parts/later';
import { words } from '../words';
import { Destinations } from './destinations';
import { Overview } from './overview';
import { People } from './people';
import { Requests } from './requests';
import { Suppressions } from './suppressions';

export interface Page {
  path: string;
  name: string;
  page: FunctionComponent<{ place: Place }>;
  /** Which reading it lives on: without it, the menu leaves the page out. */
  area: Area;
}

const { nav } = words;

export const PAGES: Page[] = [
  { path: '', name: nav.overview, page: Overview, area: 'requests' },
  { path: 'requests', name: nav.requests, page: Requests, area: 'requests' },
  { path: 'people', name: nav.people, page: People, area: 'requests' },
  { path: 'suppressions', name: nav.suppressions, page: Suppressions, area: 'suppressions' },
  { path: 'destinations', name: nav.destinations, page: Destinations, area: 'requests' },
  { path: 'sources', name: nav.sources, page: later(async () => (await import('./sources')).Sources), area: 'requests' },
  { path: 'batches', name: nav.batches, page: later(async () => (await import('./batches')).Batches), area: 'requests' },
  { path: 'runs', name: nav.runs, page: later(async () => (await import('./runs')).Runs), area: 'requests' },
  { path: 'tokens', name: nav.tokens, page: later(async () => (await import('./tokens')).Tokens), area: 'admin' },
  { path: 'audit', name: nav.audit, page: later(async () => (await import('./audit')).Audit), area: 'audit' },
];
