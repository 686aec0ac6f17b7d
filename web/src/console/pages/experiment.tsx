import { useMemo, type ReactNode } from 'react';
import { ApiError, isAbort } from '../../api/client';
import { navigate } from '../../lib/router';
import { errorText } from '../../lib/error-text';
import { useSettings } from '../../state/settings';
import { ButtonLink } from '../../ui/button';
import { Link } from '../../ui/link';
import { EmptyState } from '../../ui/states';
import type { Experiment, ExperimentReport, Rule } from '../api';
import { needsOf, shareOf } from '../lib/experiments';
import { useLive } from '../lib/live';
import {
  DecideButton,
  ExperimentStatus,
  Needs,
  RemoveButton,
  StartButton,
  StopButton,
  useDiffers,
  useMeasures,
  useReason,
} from '../parts/experiment';
import { OffPolicy } from '../parts/off-policy';
import { Facts, Nothing, Page, Panel, Shown, Table } from '../parts/page';
import { Rails, Results } from '../parts/results';
import { useTimes } from '../parts/times';
import { experimentUrl, newExperimentUrl, pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

const DAY_MS = 86_400_000;

function Timeline({ experiment }: { experiment: Experiment }) {
  const { experiments: x } = useTexts();
  const { at } = useTimes();
  const reasonOf = useReason();
  const { definition, state, reason, decision } = experiment;
  const { created_at, started_at, stopped_at, decided_at } = experiment;
  const days = started_at ? Math.ceil((Date.now() - new Date(started_at).getTime()) / DAY_MS) : 0;
  const most = definition.max_days;
  const moments: [string, string | null, ReactNode?][] = [
    [x.events.created, created_at],
    [x.events.started, started_at],
    ...(state === 'running'
      ? [[x.events.now, null, most ? x.lasts(days, most) : x.day(days)] as [string, null, string]]
      : []),
    [x.events.stopped, stopped_at, reason && reasonOf(reason)],
    [x.events.decided, decided_at, decision],
  ];
  return (
    <ol className="timeline">
      {moments.flatMap(([name, time, note]) =>
        time === null && !note ? (
          []
        ) : (
          <li key={name}>
            <strong>{name}</strong> {time && <time dateTime={time}>{at(time)}</time>}
            {note && <p className="quiet">{note}</p>}
          </li>
        ),
      )}
    </ol>
  );
}

function DefinitionPanel({ experiment, rules }: { experiment: Experiment; rules: Rule[] | null }) {
  const c = useTexts();
  const x = c.experiments;
  const { number } = useSettings();
  const { share } = useMeasures();
  const differs = useDiffers(rules);
  const d = experiment.definition;
  const facts: [string, ReactNode][] = [
    [x.placements, d.placements.map((name) => c.placements.names[name] ?? name).join(', ')],
    [x.takesPart, x.ofAll(share(d.share ?? 1))],
    [x.layer, d.layer ?? 'main'],
    [x.metric, x.metrics[d.metric ?? 'conversion']],
    [x.horizon, number(d.horizon_days ?? 3)],
  ];
  return (
    <Panel title={x.definition} text={d.description}>
      <Facts facts={facts} />
      <Table stacked label={x.variants}>
        <thead>
          <tr>
            <th scope="col">{x.variant}</th>
            <th scope="col" className="number">
              {x.share}
            </th>
            <th scope="col">{x.differs}</th>
          </tr>
        </thead>
        <tbody>
          {d.variants.map((variant, i) => {
            const parts = differs(variant);
            return (
              <tr key={variant.name}>
                <th scope="row">{variant.name}</th>
                <td className="number" data-label={x.share}>
                  {share(shareOf(d, i), 1)}
                </td>
                <td className="wrap" data-label={x.differs}>
                  {parts.length === 0 ? (
                    <span className="quiet">{x.asNow}</span>
                  ) : (
                    <ul>
                      {parts.map((part) => (
                        <li key={part}>{part}</li>
                      ))}
                    </ul>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </Table>
    </Panel>
  );
}

function Actions({ experiment, changed }: { experiment: Experiment; changed: () => void }) {
  const { experiments: x } = useTexts();
  const { shop } = useConsole();
  const { id, state } = experiment;
  const gone = () => navigate(pageUrl('experiments'));
  return (
    <div className="experiment-actions">
      <ButtonLink to={experimentUrl(id, 'preview')}>{x.preview}</ButtonLink>
      {state === 'draft' && !shop.read_only && (
        <ButtonLink to={experimentUrl(id, 'edit')}>{x.edit}</ButtonLink>
      )}
      {!shop.read_only && <ButtonLink to={newExperimentUrl(id)}>{x.copyOf}</ButtonLink>}
      {state === 'draft' && <StartButton experiment={experiment} changed={changed} />}
      {state === 'running' && <StopButton experiment={experiment} changed={changed} />}
      {state === 'stopped' && <DecideButton experiment={experiment} changed={changed} />}
      {state !== 'running' && <RemoveButton experiment={experiment} changed={gone} />}
    </div>
  );
}

interface Seen {
  experiment: Experiment;
  report?: ExperimentReport;
  /** Why there is no report of one that has begun: what may be done with it stays. */
  failed?: unknown;
  rules: Rule[] | null;
}

function Told({ seen }: { seen: Seen }) {
  const { experiments: x } = useTexts();
  const reasonOf = useReason();
  const { t } = useSettings();
  const { experiment, report, failed, rules } = seen;
  const { definition } = experiment;
  return (
    <>
      {report?.stop && experiment.state === 'running' && (
        <p className="stale" role="status">
          {x.shouldStop} {reasonOf(report.stop)}
        </p>
      )}
      {experiment.state === 'stopped' && experiment.reason && (
        <p className="stale" role="status">
          {x.endedBecause} {reasonOf(experiment.reason)}
        </p>
      )}
      {report ? (
        <Results definition={definition} report={report} />
      ) : (
        <>
          <Panel title={x.results}>
            {failed !== undefined ? (
              <Nothing title={x.noReport} text={errorText(failed, t)} />
            ) : (
              <Nothing title={x.notStarted} text={x.notStartedText} />
            )}
          </Panel>
          <Panel title={x.rails}>
            <Rails definition={definition} />
          </Panel>
        </>
      )}
      <div className="panels two spaced">
        <Panel title={x.timeline}>
          <Timeline experiment={experiment} />
        </Panel>
        <DefinitionPanel experiment={experiment} rules={rules} />
      </div>
      {definition.variants.some(({ explore }) => explore) && <OffPolicy />}
    </>
  );
}

export default function ExperimentPage({ id }: { id: string }) {
  const { experiments: x } = useTexts();
  const { api } = useConsole();
  const live = useLive<Seen>(
    `experiment/${id}`,
    async (signal) => {
      const experiment = await api.experiment(id, signal);
      const told: Pick<Seen, 'report' | 'failed'> = {};
      const reported = async () => {
        try {
          if (experiment.started_at) told.report = await api.experimentReport(id, signal);
        } catch (error) {
          if (isAbort(error)) throw error;
          told.failed = error;
        }
      };
      const [rules] = await Promise.all([
        experiment.definition.variants.some((variant) => variant.rules?.length)
          ? api.rules(signal)
          : null,
        reported(),
      ]);
      return { experiment, ...told, rules };
    },
    (seen) => (seen?.experiment.state === 'running' ? 15_000 : 60_000),
  );
  const experiment = live.data?.experiment;
  const needs = useMemo(
    () => (live.data ? needsOf(live.data.experiment, live.data.report) : []),
    [live.data],
  );
  if (live.error instanceof ApiError && live.error.status === 404 && !live.data) {
    return (
      <Page title={x.missing}>
        <EmptyState icon="split" title={x.missing} text={x.missingText}>
          <ButtonLink to={pageUrl('experiments')}>{x.back}</ButtonLink>
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title={id}
      actions={experiment && <Actions experiment={experiment} changed={live.reload} />}
    >
      <p className="under-head statuses">
        <Link to={pageUrl('experiments')}>{x.back}</Link>
        {experiment && <ExperimentStatus experiment={experiment} />}
        <Needs needs={needs} />
      </p>
      <Shown live={live}>{(seen) => <Told seen={seen} />}</Shown>
    </Page>
  );
}
