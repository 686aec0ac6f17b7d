/* chart.tsx - charts drawn as SVG with the colours of the page. Each is one picture with a name for those who do
 * not see it; a table beside it has the values. */
import { useLayoutEffect, useRef, useState } from 'react';
import type { Interval } from '../api';
import { useSettings } from '../../state/settings';
import { linear, niceTicks } from '../lib/scale';
import type { Point } from '../lib/models';
import { useTexts } from '../texts';
import { useTimes } from './times';

const HEIGHT = 260;
const EDGE = { left: 58, right: 18, top: 14, bottom: 34 };

const path = (points: [number, number][]) =>
  points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

/** The width of an element in pixels, followed as it changes: text in the picture keeps its size. */
function useWidth() {
  const ref = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(640);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => setWidth(Math.max(240, Math.floor(element.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width] as const;
}

/** A metric of versions over time, with its interval where there is one, beside popularity. */
export function MetricChart({ points, metric }: { points: Point[]; metric: string }) {
  const c = useTexts();
  const { number } = useSettings();
  const { day, at, clock } = useTimes();
  const [ref, width] = useWidth();
  const values = points.flatMap(({ value, low, high, popularity }) =>
    [value, low, high, popularity].filter((v): v is number => v !== null),
  );
  if (points.length === 0) return null;
  const ticks = niceTicks(Math.min(0, ...values), Math.max(...values));
  const first = points[0]!;
  const last = points.at(-1)!;
  /* Versions stand at equal distance: trainings come in bursts, and each is one to compare. */
  const x = linear([0, Math.max(1, points.length - 1)], [EDGE.left + 24, width - EDGE.right - 24]);
  const y = linear([ticks[0]!, ticks.at(-1)!], [HEIGHT - EDGE.bottom, EDGE.top]);
  const place = (i: number) => (points.length === 1 ? (EDGE.left + width - EDGE.right) / 2 : x(i));
  const sameDay = day(first.time) === day(last.time);
  const moment = (point: Point) => (sameDay ? clock(point.time) : day(point.time));
  const room = width / 130;
  const labels = points.length <= room ? points.map((_, i) => i) : [0, points.length - 1];
  const digits = Math.max(0, Math.min(4, -Math.floor(Math.log10(ticks[1]! - ticks[0]!))));
  const popular = points.flatMap((point, i): [number, number][] =>
    point.popularity === null ? [] : [[place(i), y(point.popularity)]],
  );
  const label = c.models.chartText(
    c.models.metrics[metric] ?? metric,
    points.length,
    `${number(first.value, 4)} (${day(first.time)})`,
    `${number(last.value, 4)} (${day(last.time)})`,
  );
  return (
    <figure className="chart" ref={ref}>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={label}>
        {ticks.map((tick) => (
          <g key={tick}>
            <line
              className="chart-grid"
              x1={EDGE.left}
              x2={width - EDGE.right}
              y1={y(tick)}
              y2={y(tick)}
            />
            <text x={EDGE.left - 8} y={y(tick) + 4} textAnchor="end">
              {number(tick, digits)}
            </text>
          </g>
        ))}
        {labels.map((i) => (
          <text
            key={i}
            x={place(i)}
            y={HEIGHT - 10}
            textAnchor={
              points.length > 1 && i === points.length - 1
                ? 'end'
                : i === 0 && points.length > 1
                  ? 'start'
                  : 'middle'
            }
          >
            {moment(points[i]!)}
          </text>
        ))}
        {popular.length > 1 && <path className="chart-popular" d={path(popular)} />}
        {popular.map(([px, py], i) => (
          <circle key={i} className="chart-popular-dot" cx={px} cy={py} r={3.5} />
        ))}
        {points.length > 1 && (
          <path className="chart-line" d={path(points.map((p, i) => [place(i), y(p.value)]))} />
        )}
        {points.map((point, i) => (
          <g key={point.version} className="chart-point" data-refused={point.refused || undefined}>
            <title>{`${c.models.point(point.version, number(point.value, 4))}, ${at(new Date(point.time).toISOString())}`}</title>
            {point.low !== null && point.high !== null && (
              <path
                className="chart-interval"
                d={`M${place(i)} ${y(point.low)}V${y(point.high)}M${place(i) - 5} ${y(point.low)}h10M${place(i) - 5} ${y(point.high)}h10`}
              />
            )}
            {point.live && (
              <circle className="chart-live" cx={place(i)} cy={y(point.value)} r={9} />
            )}
            <circle className="chart-dot" cx={place(i)} cy={y(point.value)} r={4.5} />
          </g>
        ))}
      </svg>
      <figcaption className="legend">
        <span data-key="model">{c.models.thisModel}</span>
        {points.some((p) => p.low !== null) && <span data-key="interval">{c.models.interval}</span>}
        <span data-key="live">{c.models.states.live}</span>
        {points.some((p) => p.refused) && (
          <span data-key="refused">{c.models.states.rejected}</span>
        )}
        {popular.length > 0 && <span data-key="popular">{c.models.popularity}</span>}
      </figcaption>
    </figure>
  );
}

/** An interval against zero: where it lies wholly on one side, chance does not explain it. */
export function IntervalBar(props: { interval: Interval; reach: number; label: string }) {
  const { low, mean, high } = props.interval;
  const x = linear([-props.reach, props.reach], [4, 196]);
  const tone = high < 0 ? 'bad' : low > 0 ? 'good' : 'plain';
  return (
    <svg
      className="interval"
      viewBox="0 0 200 24"
      role="img"
      aria-label={props.label}
      data-tone={tone}
    >
      <path className="chart-grid" d="M100 0V24" />
      <path
        className="interval-line"
        d={`M${x(low)} 12H${x(high)}M${x(low)} 7v10M${x(high)} 7v10`}
      />
      <circle cx={x(mean)} cy={12} r={4} />
    </svg>
  );
}

/** A share of a whole as a bar behind a number; decoration, the number stands beside. */
export function ShareBar({ share }: { share: number }) {
  return (
    <svg className="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect className="share-whole" width={100} height={6} rx={3} />
      <rect
        className="share-part"
        width={Math.max(1, 100 * Math.min(1, share))}
        height={6}
        rx={3}
      />
    </svg>
  );
}

interface ValueRow {
  name: string;
  value: number | null;
  low: number | null;
  high: number | null;
}

/** Values with their intervals, one below the other on one axis from 0 on. */
export function ValueChart(props: {
  rows: ValueRow[];
  label: string;
  legend: { value: string; interval: string };
  format: (value: number) => string;
}) {
  const { rows, format } = props;
  const [ref, width] = useWidth();
  const STEP = 40;
  const values = rows.flatMap(({ value, low, high }) =>
    [value, low, high].filter((v): v is number => v !== null),
  );
  if (values.length === 0) return null;
  const ticks = niceTicks(0, Math.max(...values) || 1);
  const bottom = 10 + STEP * rows.length;
  const x = linear([ticks[0]!, ticks.at(-1)!], [8, width - 28]);
  const fits = Math.max(2, Math.floor(width / 90));
  const every = Math.ceil(ticks.length / fits);
  return (
    <figure className="chart values" ref={ref}>
      <svg viewBox={`0 0 ${width} ${bottom + 28}`} role="img" aria-label={props.label}>
        {ticks.map((tick, i) => (
          <g key={tick}>
            <path className="chart-grid" d={`M${x(tick)} 6V${bottom}`} />
            {i % every === 0 && (
              <text
                x={x(tick)}
                y={bottom + 18}
                textAnchor={i === 0 ? 'start' : i === ticks.length - 1 ? 'end' : 'middle'}
              >
                {format(tick)}
              </text>
            )}
          </g>
        ))}
        {rows.map(({ name, value, low, high }, i) => {
          const y = 10 + STEP * i + 27;
          return (
            <g key={name} className="chart-point">
              <text className="chart-name" x={8} y={y - 12}>
                {name}
              </text>
              {low !== null && high !== null && (
                <path
                  className="chart-interval"
                  d={`M${x(low)} ${y}H${x(high)}M${x(low)} ${y - 5}v10M${x(high)} ${y - 5}v10`}
                />
              )}
              {value !== null && <circle className="chart-dot" cx={x(value)} cy={y} r={4.5} />}
            </g>
          );
        })}
      </svg>
      <figcaption className="legend">
        <span data-key="model">{props.legend.value}</span>
        {rows.some(({ low }) => low !== null) && (
          <span data-key="interval">{props.legend.interval}</span>
        )}
      </figcaption>
    </figure>
  );
}
