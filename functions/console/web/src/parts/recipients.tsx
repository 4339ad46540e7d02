// Who received somebody's events, and what is known of it there.

import type { Destination, DestinationStatus, Recipient } from '../api/schema';
import { capital } from '../format';
import { TASK, vendor } from '../states';
import { words } from '../words';
import { Dated, Day, Table } from './basics';
import { State } from './state';

/** `places`: the tasks of a request. Without them it is only said whom to write to where there is no API to delete by. */
export function Recipients(props: { recipients: Recipient[]; places?: DestinationStatus[]; destinations?: Destination[] }) {
  const { recipients, places, destinations } = props;
  if (recipients.length === 0) return <p>{words.person.notTrackedRecipients}</p>;
  const asking = places || recipients.some(({ vendor }) => vendor === MANUAL);
  return (
    <Table caption={words.recipients.table} cards>
      <thead>
        <tr>
          <th scope="col">{words.recipients.system}</th>
          <th scope="col">{words.recipients.source}</th>
          <th scope="col">{words.recipients.when}</th>
          {asking && <th scope="col">{places ? words.recipients.here : words.recipients.note}</th>}
        </tr>
      </thead>
      <tbody>
        {recipients.map((one) => (
          <tr key={one.sourceId + one.destinationId}>
            <th scope="row">
              {one.name}
              {vendor(one.vendor) !== one.name && <p class="soft small">{vendor(one.vendor)}</p>}
            </th>
            <td class="mono">{one.sourceId}</td>
            <td>
              <Day at={one.first} /> – <Day at={one.last} />
            </td>
            {asking && (
              <td class="wraps">
                {places ? (
                  <There place={places.find(({ id }) => id === one.destinationId)} />
                ) : (
                  one.vendor === MANUAL && words.recipients.writeTo(contact(destinations, one.destinationId))
                )}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

const MANUAL = 'manual';

const contact = (all: Destination[] | undefined, id: string): string => String(all?.find((one) => one.id === id)?.settings.contact ?? words.recipients.them);

function There({ place }: { place: DestinationStatus | undefined }) {
  if (!place) return <span class="soft">{words.recipients.notAsked}</span>;
  return (
    <>
      <State said={TASK[place.taskStatus]} />
      {['NOT_SUPPORTED', 'NO_IDENTIFIER'].includes(place.taskStatus) && place.errString && (
        <p class="small">
          <Dated text={`${capital(place.errString)}.`} />
        </p>
      )}
    </>
  );
}
