// Who received somebody's events, and what is known of it there.

import type { Destination, DestinationStatus, Recipient } from '../api/schema';
import { useTitles } from '../catalogue';
import { capital } from '../format';
import { TASK } from '../words';
import { Dated, Day, Table } from './basics';
import { State } from './state';

/** `places`: the tasks of a request. Without them it is only said whom to write to where there is no API to delete by. */
export function Recipients(props: { recipients: Recipient[]; places?: DestinationStatus[]; destinations?: Destination[] }) {
  const { recipients, places, destinations } = props;
  const title = useTitles();
  if (recipients.length === 0) return <p>No connected destination, as far as is known.</p>;
  const asking = places || recipients.some(({ vendor }) => vendor === MANUAL);
  return (
    <Table caption="Destinations that received the data">
      <thead>
        <tr>
          <th scope="col">Destination</th>
          <th scope="col">From source</th>
          <th scope="col">First</th>
          <th scope="col">Last</th>
          {asking && <th scope="col">{places ? 'This request there' : 'To know'}</th>}
        </tr>
      </thead>
      <tbody>
        {recipients.map((one) => (
          <tr key={one.sourceId + one.destinationId}>
            <th scope="row">
              {one.name}
              {title(one.vendor) !== one.name && <p class="soft small">{title(one.vendor)}</p>}
            </th>
            <td class="mono">{one.sourceId}</td>
            <td>
              <Day at={one.first} />
            </td>
            <td>
              <Day at={one.last} />
            </td>
            {asking && (
              <td class="wraps">
                {places ? (
                  <There place={places.find(({ id }) => id === one.destinationId)} />
                ) : (
                  one.vendor === MANUAL && `No way to delete: write to ${contact(destinations, one.destinationId)}.`
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

const contact = (all: Destination[] | undefined, id: string): string => String(all?.find((one) => one.id === id)?.settings.contact ?? 'them');

function There({ place }: { place: DestinationStatus | undefined }) {
  if (!place) return <span class="soft">Not asked by this request.</span>;
  return (
    <>
      <State said={TASK[place.taskStatus]} />
      {place.taskStatus === 'NOT_SUPPORTED' && place.errString && (
        <p class="small">
          <Dated text={`${capital(place.errString)}.`} />
        </p>
      )}
    </>
  );
}
