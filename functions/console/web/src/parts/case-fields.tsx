// What a new request says of its case: when it came in, under which law it is answered, and what is on file. All of it may be left out.

import type { ApiError } from '../api/client';
import type { Case, CaseFile, Law } from '../api/schema';
import { beside } from '../fields';
import { words } from '../words';
import { Select, Text } from './forms';

const said = words.case;

export interface CaseGiven {
  /** The day on which the person asked, as an input gives it. */
  received: string;
  law: Law | '';
  days: string;
  reference: string;
  requester: string;
}

export const noCase: CaseGiven = { received: '', law: '', days: '', reference: '', requester: '' };

/** As the API takes it: without what was left out. */
export function caseOf({ received, law, days, reference, requester }: CaseGiven): Pick<Case, 'receivedAt' | 'law' | 'dueInDays' | 'file'> {
  const file: CaseFile = { ...(reference.trim() && { reference: reference.trim() }), ...(requester.trim() && { requester: requester.trim() }) };
  return {
    ...(received && { receivedAt: new Date(`${received}T00:00`).toISOString() }),
    ...(law && { law }),
    ...(law === 'OTHER' && { dueInDays: Number(days) }),
    ...(Object.keys(file).length > 0 && { file }),
  };
}

/** What is wrong with the number of days that another law gives. */
export const wrongDays = ({ law, days }: CaseGiven): string | undefined => (law === 'OTHER' && !/^([1-9]\d?|[12]\d\d|3[0-5]\d|36[0-5])$/.test(days.trim()) ? said.daysWrong : undefined);

/** The fields of the API that stand in this form. */
const FIELDS = ['receivedAt', 'law', 'dueInDays', 'file.reference', 'file.requester'] as const;
export type CaseFaults = Partial<Record<(typeof FIELDS)[number], string>>;

/** What the API refuses of it, by field; nothing, if it refuses something else. */
export function refusedOf(error: ApiError | undefined): CaseFaults | undefined {
  const field = FIELDS.find((one) => one === error?.field);
  return field && error && { [field]: beside(error.message) };
}

export function CaseFields({ given, onChange, wrong }: { given: CaseGiven; onChange: (given: CaseGiven) => void; wrong: CaseFaults }) {
  const set = (part: Partial<CaseGiven>) => onChange({ ...given, ...part });
  return (
    <>
      <div class="filters">
        <Text label={said.receivedOn} type="date" value={given.received} onInput={(received) => set({ received })} wrong={wrong.receivedAt} />
        <Select label={said.law} value={given.law} options={[['', said.lawDefault], ...(Object.entries(said.laws) as [Law, string][])]} onChange={(law) => set({ law })} wrong={wrong.law} />
        {given.law === 'OTHER' && <Text label={said.days} value={given.days} onInput={(days) => set({ days })} wrong={wrong.dueInDays} required />}
        <Text label={said.file.reference} value={given.reference} onInput={(reference) => set({ reference })} wrong={wrong['file.reference']} />
        <Text label={said.file.requester} value={given.requester} onInput={(requester) => set({ requester })} wrong={wrong['file.requester']} />
      </div>
      <p class="help">{said.fieldsHelp}</p>
    </>
  );
}
