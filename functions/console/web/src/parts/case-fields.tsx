// What a new request says of its case: when it came in, under which law it is answered, and what is on file. All of it may be left out.

import type { Case, CaseFile, Law } from '../api/schema';
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

export function CaseFields({ given, onChange, wrong }: { given: CaseGiven; onChange: (given: CaseGiven) => void; wrong: string | undefined }) {
  const set = (part: Partial<CaseGiven>) => onChange({ ...given, ...part });
  return (
    <>
      <div class="filters">
        <Text label={said.receivedOn} type="date" value={given.received} onInput={(received) => set({ received })} />
        <Select label={said.law} value={given.law} options={[['', said.lawDefault], ...(Object.entries(said.laws) as [Law, string][])]} onChange={(law) => set({ law })} />
        {given.law === 'OTHER' && <Text label={said.days} value={given.days} onInput={(days) => set({ days })} wrong={wrong} required />}
        <Text label={said.file.reference} value={given.reference} onInput={(reference) => set({ reference })} />
        <Text label={said.file.requester} value={given.requester} onInput={(requester) => set({ requester })} />
      </div>
      <p class="help">{said.fieldsHelp}</p>
    </>
  );
}
