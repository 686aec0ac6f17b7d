import { useState } from 'react';
import { isAbort } from '../../api/client';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button, ButtonLink } from '../../ui/button';
import { Link } from '../../ui/link';
import { EmptyState } from '../../ui/states';
import type { AdminApi, Experiment, ExperimentReport } from '../api';
import { needsOf } from '../lib/experiments';
import { useLive } from '../lib/live';
import { Confirm } from '../parts/confirm';
import {
  ExperimentStatus,
  ExploringIn,
  Needs,
  useReason,
  VariantShares,
} from '../parts/experiment';
import { OffPolicy } from '../parts/off-policy';
import { Page, Panel, Shown, Table } from '../parts/page';
import { useTimes } from '../parts/times';
import { experimentUrl, newExperimentUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

/* A report walks the record: those of what runs, one after the other. */
const REPORTS_MAX = 16;
const EVERY_MS = 30_000;

interface Told {
  experiments: Experiment[];
  reports: Map<string, ExperimentReport>;
}

async function load(api: AdminApi, signal: AbortSignal): Promise<Told> {
  const experiments = await api.experiments(signal);
  const reports = new Map<string, ExperimentReport>();
  for (const { id, state } of experiments) {
    if (state !== 'running' || reports.size === REPORTS_MAX) continue;
    try {
      reports.set(id, await api.experimentReport(id, signal));
    } catch (error) {
      if (isAbort(error)) throw error; /* else the list stands without its figures */
    }
  }
  return { experiments: experiments.reverse(), reports };
}

function CheckButton() {
  const { experiments: x } = useTexts();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button disabled={shop.read_only} onClick={() => setAsking(true)}>
        {x.checkNow}
      </Button>
      {asking && (
        <Confirm
          title={x.checkNow}
          action={x.checkNow}
          run={async (once) => {
            await api.start('watch', once);
            toast(x.checked);
          }}
          close={() => setAsking(false)}
        >
          <p>{x.checkText}</p>
        </Confirm>
      )}
    </>
  );
}

function Row({ experiment, report }: { experiment: Experiment; report?: ExperimentReport }) {
  const c = useTexts();
  const x = c.experiments;
  const { number } = useSettings();
  const { at } = useTimes();
  const reasonOf = useReason();
  const { definition, state, reason } = experiment;
  const why = state === 'running' ? report?.stop : state === 'stopped' ? reason : null;
  const shoppers = report?.variants.reduce((sum, one) => sum + one.shoppers, 0);
  return (
    <tr data-experiment={experiment.id}>
      <th scope="row" className="wrap">
        <Link to={experimentUrl(experiment.id)}>{experiment.id}</Link>
        {definition.description && <span className="interval-text">{definition.description}</span>}
      </th>
      <td data-label={x.state}>
        <span className="statuses">
          <ExperimentStatus experiment={experiment} />
          <Needs needs={needsOf(experiment, report)} />
        </span>
        {why && <p className="quiet why">{reasonOf(why)}</p>}
      </td>
      <td className="wrap" data-label={x.placements}>
        {definition.placements.map((name) => c.placements.names[name] ?? name).join(', ')}
      </td>
      <td className="wrap" data-label={x.variants}>
        <VariantShares experiment={experiment} />
      </td>
      <td data-label={x.since}>{experiment.started_at ? at(experiment.started_at) : '–'}</td>
      <td className="number" data-label={x.shoppers}>
        {shoppers === undefined ? '–' : number(shoppers)}
      </td>
    </tr>
  );
}

function List({ told }: { told: Told }) {
  const { experiments: x } = useTexts();
  return (
    <Table stacked label={x.title}>
      <thead>
        <tr>
          {[x.name, x.state, x.placements, x.variants, x.since].map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
          <th scope="col" className="number">
            {x.shoppers}
          </th>
        </tr>
      </thead>
      <tbody>
        {told.experiments.map((experiment) => (
          <Row
            key={experiment.id}
            experiment={experiment}
            report={told.reports.get(experiment.id)}
          />
        ))}
      </tbody>
    </Table>
  );
}

/** Every placement in which something explores. */
function ExploringPanel({ experiments }: { experiments: Experiment[] }) {
  const c = useTexts();
  const x = c.experiments;
  const placements = Object.keys(c.placements.names);
  return (
    <Panel title={x.exploring} text={x.exploringText}>
      <Table stacked label={x.exploring}>
        <thead>
          <tr>
            <th scope="col">{c.placements.placement}</th>
            <th scope="col">{c.placements.exploring}</th>
          </tr>
        </thead>
        <tbody>
          {placements.map((name) => (
            <tr key={name} data-placement={name}>
              <th scope="row">{c.placements.names[name]}</th>
              <td className="wrap">
                <ExploringIn experiments={experiments} placement={name} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Panel>
  );
}

export default function ExperimentsPage() {
  const { experiments: x } = useTexts();
  const { api, shop } = useConsole();
  const live = useLive('experiments', (signal) => load(api, signal), EVERY_MS);
  const create = !shop.read_only && (
    <ButtonLink to={newExperimentUrl()} look="primary">
      {x.create}
    </ButtonLink>
  );
  return (
    <Page
      title={x.title}
      text={x.text}
      actions={
        <>
          <CheckButton />
          {create}
        </>
      }
    >
      <Shown live={live}>
        {(told) => (
          <>
            <Panel>
              {told.experiments.length === 0 ? (
                <EmptyState icon="split" title={x.empty} text={x.emptyText}>
                  {create}
                </EmptyState>
              ) : (
                <List told={told} />
              )}
            </Panel>
            <ExploringPanel experiments={told.experiments} />
            <OffPolicy />
          </>
        )}
      </Shown>
    </Page>
  );
}
