// A small bar chart: one bar a day. The numbers are there as a table too, for who does not see it.

import { count, day, number } from '../format';
import { words } from '../words';

interface Day {
  at: number;
  value: number;
}

const [WIDTH, HEIGHT] = [720, 96];

export function Chart({ title, days, unit }: { title: string; days: Day[]; unit: [string, string] }) {
  const most = Math.max(1, ...days.map((bar) => bar.value));
  const step = WIDTH / days.length;
  const total = days.reduce((sum, bar) => sum + bar.value, 0);
  const said = (value: number) => count(value, ...unit);
  return (
    <figure class="stack">
      <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words.chart.label(title, said(total), days.length, said(most))}>
        {days.map((bar, place) => {
          const height = bar.value > 0 ? Math.max(3, (bar.value / most) * HEIGHT) : 0;
          return (
            <g key={bar.at}>
              <rect class="base" x={place * step} y={HEIGHT - 1} width={step - 4} height={1} />
              <rect x={place * step} y={HEIGHT - height} width={step - 4} height={height} rx="2">
                <title>{`${day(bar.at)}: ${said(bar.value)}`}</title>
              </rect>
            </g>
          );
        })}
      </svg>
      <div class="row apart soft small" aria-hidden="true">
        <span>{day(days[0]?.at ?? 0)}</span>
        <span>{words.common.today}</span>
      </div>
      <details>
        <summary>{words.chart.numbers}</summary>
        <table>
          <caption class="hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{words.chart.day}</th>
              <th scope="col" class="num">
                {unit[1]}
              </th>
            </tr>
          </thead>
          <tbody>
            {days
              .filter((bar) => bar.value > 0)
              .map((bar) => (
                <tr key={bar.at}>
                  <th scope="row">{day(bar.at)}</th>
                  <td class="num">{number(bar.value)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
