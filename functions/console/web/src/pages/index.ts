// Every page, in the order of the menu. The path is the first part of the address after /console.

import type { FunctionComponent } from 'preact';

import type { Place } from '../router';
import { Audit } from './audit';
import { Batches } from './batches';
import { Destinations } from './destinations';
import { Overview } from './overview';
import { People } from './people';
import { Requests } from './requests';
import { Runs } from './runs';
import { Suppressions } from './suppressions';
import { Tokens } from './tokens';

export interface Page {
  path: string;
  name: string;
  page: FunctionComponent<{ place: Place }>;
}

export const PAGES: Page[] = [
  { path: '', name: 'Overview', page: Overview },
  { path: 'requests', name: 'Deletion requests', page: Requests },
  { path: 'people', name: 'Find a person', page: People },
  { path: 'suppressions', name: 'Suppression list', page: Suppressions },
  { path: 'destinations', name: 'Destinations', page: Destinations },
  { path: 'batches', name: 'Batches', page: Batches },
  { path: 'runs', name: 'Purge runs', page: Runs },
  { path: 'tokens', name: 'Tokens', page: Tokens },
  { path: 'audit', name: 'Audit', page: Audit },
];
