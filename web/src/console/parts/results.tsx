/* results.tsx - what an experiment has shown: each metric as a chart of intervals with its table, and in words that
 * claim no more than the intervals do. */
import type { Definition, ExperimentReport, MetricName } from '../api';
import { METRICS } from '../api';
import { useSettings } from '../../state/settings';
import {
  confidenceOf,
  MIN_SHOPPERS,
  railState,
  shareOf,
  verdictOf,
  withinBounds,
  type RailState,
} from '../lib/experiments';
import { useTexts } from '../texts';
import { IntervalBar, ValueChart } from './chart';
import { useMeasures } from './experiment';
import { Panel, Status, Table, type Tone } from './page';

interface Of {
  definition: Definition;
  report: ExperimentReport;
}

/** One line for each variant beside the control. */
export function Verdict({ definition, report }: Of) {
  const { experiments: x } = useTexts();
  const { difference, distance } = useMeasures();
  const metric = report.metric;
  const words = (variant: number) => {
    const { name, metrics } = report.variants[variant]!;
    const verdict = verdictOf(report, metric, variant);
    const { low, high } = metrics[metric].difference ?? { low: null, high: null };
    if (verdict === 'ratio') return x.verdict.ratio(name);
    if (verdict === 'none') return x.verdict.none(name, x.metrics[metric]);
    if (low === null || high === null) return x.verdict.early(name, MIN_SHOPPERS);
    if (verdict === 'open') {
      const [from, to] = [low, high].map((value) => difference(value, metric, report.currency));
      return x.verdict.open(name, x.metrics[metric], from!, to!);
    }
    const [least, most] = [low, high]
      .sort((a, b) => Math.abs(a) - Math.abs(b))
      .map((value) => distance(value, metric, report.currency));
    const word = verdict === 'higher' ? x.verdict.higher : x.verdict.lower;
    return word(name, x.metrics[metric], least!, most!);
  };
  const TONES = { higher: 'good', lower: 'bad', ratio: 'bad' } as const;
  if (definition.variants.length < 2) return <p>{x.alone}</p>;
  return (
    <ul className="verdicts">
      {report.variants.slice(1).map(({ name }, i) => (
        <li
          key={name}
          data-tone={TONES[verdictOf(report, metric, i + 1) as keyof typeof TONES] ?? 'plain'}
        >
          {words(i + 1)}
        </li>
      ))}
    </ul>
  );
}

function Metric({ definition, report, metric }: Of & { metric: MetricName }) {
  const { experiments: x } = useTexts();
  const { number } = useSettings();
  const { measure, tick, difference, share, probability } = useMeasures();
  const said = (value: number | null) =>
    value === null ? '–' : measure(value, metric, report.currency);
  const apart = (value: number) => difference(value, metric, report.currency);
  const total = report.variants.reduce((sum, { shoppers }) => sum + shoppers, 0);
  const reach = Math.max(
    0,
    ...report.variants.flatMap(({ metrics }) => {
      const { low, high } = metrics[metric].difference ?? { low: null, high: null };
      return low === null || high === null ? [] : [Math.abs(low), Math.abs(high)];
    }),
  );
  return (
    <Panel
      title={x.metrics[metric]}
      text={x.metricNotes[metric]}
      actions={metric === report.metric && <Status tone="busy">{x.primary}</Status>}
    >
      <ValueChart
        label={x.chart(x.metrics[metric], report.variants.length)}
        legend={{ value: x.chartValue, interval: x.chartInterval }}
        format={(value) => tick(value, metric, report.currency)}
        rows={report.variants.map(({ name, metrics }) => ({
          name,
          ...withinBounds(metrics[metric], metric),
        }))}
      />
      <Table stacked label={x.metrics[metric]}>
        <thead>
          <tr>
            <th scope="col">{x.variant}</th>
            <th scope="col" className="number">
              {x.shoppers}
            </th>
            <th scope="col" className="number">
              {x.final}
            </th>
            <th scope="col" className="number">
              {x.value}
            </th>
            <th scope="col">{x.difference}</th>
            <th scope="col" className="number">
              {x.p}
            </th>
          </tr>
        </thead>
        <tbody>
          {report.variants.map((arm, i) => {
            const value = withinBounds(arm.metrics[metric], metric);
            const beside = arm.metrics[metric].difference;
            return (
              <tr key={arm.name} data-variant={arm.name}>
                <th scope="row">
                  {arm.name}
                  {i === 0 && <span className="interval-text">{x.control}</span>}
                </th>
                <td className="number" data-label={x.shoppers}>
                  {number(arm.shoppers)}
                  <span className="interval-text">
                    {total > 0 && `${share(arm.shoppers / total, 1)}, `}
                    {x.planned(share(shareOf(definition, i), 1))}
                  </span>
                </td>
                <td className="number" data-label={x.final}>
                  {number(arm.final)}
                </td>
                <td className="number" data-label={x.value}>
                  {said(value.value)}
                  <span className="interval-text">
                    {value.low === null || value.high === null
                      ? x.noInterval
                      : x.between(said(value.low), said(value.high))}
                  </span>
                </td>
                <td data-label={x.difference}>
                  {beside?.value != null && beside.low !== null && beside.high !== null ? (
                    <>
                      {apart(beside.value)}
                      <span className="interval-text">
                        {x.between(apart(beside.low), apart(beside.high))}
                      </span>
                      <IntervalBar
                        interval={{ mean: beside.value, low: beside.low, high: beside.high }}
                        reach={reach}
                        label={`${arm.name}: ${apart(beside.value)}, ${x.between(apart(beside.low), apart(beside.high))}`}
                      />
                    </>
                  ) : (
                    <span className="quiet">{i === 0 ? '–' : x.noInterval}</span>
                  )}
                </td>
                <td className="number" data-label={x.p}>
                  {beside ? probability(beside.p) : '–'}
                </td>
              </tr>
            );
          })}
        </tbody>
      </Table>
    </Panel>
  );
}

/** Whether shoppers are divided as planned, in words: without that no figure means anything. */
export function SampleRatio({ report }: { report: ExperimentReport }) {
  const { experiments: x } = useTexts();
  const { p, ok } = report.sample_ratio;
  const { equals } = useMeasures();
  return (
    <div className="prose">
      <p className={ok ? '' : 'bad-text'}>{ok ? x.ratioGood(equals(p)) : x.ratioBad(equals(p))}</p>
      {report.mixed > 0 && <p className="quiet">{x.mixed(report.mixed)}</p>}
    </div>
  );
}

const RAIL_TONES: Record<RailState, Tone> = {
  broken: 'bad',
  kept: 'good',
  open: 'plain',
  early: 'plain',
};

export function Rails({
  definition,
  report,
}: {
  definition: Definition;
  report?: ExperimentReport;
}) {
  const { experiments: x } = useTexts();
  const { share } = useMeasures();
  const rails = definition.guardrails ?? [];
  if (rails.length === 0) return <p className="quiet">{x.railsNone}</p>;
  return (
    <ul className="rails">
      {rails.map((rail, i) => (
        <li key={i}>
          <p>{x.rail(x.metrics[rail.metric], share(rail.max_loss))}</p>
          {report && (
            <p className="rail-states">
              {report.variants.slice(1).map(({ name }, v) => {
                const state = railState(report, rail, v + 1);
                return (
                  <span key={name}>
                    {name} <Status tone={RAIL_TONES[state]}>{x.railStates[state]}</Status>
                  </span>
                );
              })}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}

export function Results({ definition, report }: Of) {
  const { experiments: x } = useTexts();
  const { share } = useMeasures();
  const metrics = [report.metric, ...METRICS.filter((name) => name !== report.metric)];
  return (
    <>
      <Panel title={x.verdictTitle} text={x.resultsText(share(confidenceOf(definition), 2))}>
        <Verdict definition={definition} report={report} />
      </Panel>
      <div className="panels two spaced">
        <Panel title={x.ratio}>
          <SampleRatio report={report} />
        </Panel>
        <Panel title={x.rails}>
          <Rails definition={definition} report={report} />
        </Panel>
      </div>
      {metrics.map((metric) => (
        <Metric key={metric} definition={definition} report={report} metric={metric} />
      ))}
      <p className="fine notes">{x.finalNote(report.horizon_days)}</p>
    </>
  );
}
