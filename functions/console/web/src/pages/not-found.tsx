import { Head } from '../parts/basics';
import { Link, href } from '../router';
import { words } from '../words';

export function NotFound() {
  const { noPage, noPageLead, toOverview } = words.app;
  const lead = (
    <>
      {noPageLead} <Link to={href('')}>{toOverview}</Link>.
    </>
  );
  return (
    <div class="page">
      <Head title={noPage} lead={lead} />
    </div>
  );
}
