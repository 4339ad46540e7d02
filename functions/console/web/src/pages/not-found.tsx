import { Head } from '../parts/basics';
import { Link, href } from '../router';

export function NotFound() {
  return (
    <div class="page">
      <Head title="There is no such page" lead={<>The address may be mistyped or old. <Link to={href('')}>Go to the overview</Link>.</>} />
    </div>
  );
}
