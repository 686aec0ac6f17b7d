import { useState, type FormEvent } from 'react';
import { isAbort } from '../../api/client';
import { errorText } from '../../lib/error-text';
import { uuid7 } from '../../lib/ids';
import { useLocation } from '../../lib/router';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Field } from '../../ui/forms';
import { Link } from '../../ui/link';
import type { Job, ModelVersion } from '../api';
import { formatNumber, parseNumber } from '../lib/format';
import { useLive } from '../lib/live';
import { liveVersion } from '../lib/models';
import { isActive, JobOutcome, jobPace, JobProgress, JobStatus } from '../parts/job';
import { Nothing, Page, Panel, Shown, Table } from '../parts/page';
import { useTimes } from '../parts/times';
import { modelUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

type Typed = Record<string, string>;

/** What the address proposes ("?dim=32"), of the parameters that exist. */
function proposed(search: string, known: string[]): Typed {
  const params = new URLSearchParams(search);
  return Object.fromEntries(
    known.flatMap((name) => (params.has(name) ? [[name, params.get(name)!]] : [])),
  );
}

function TrainForm({ live, started }: { live: ModelVersion | undefined; started: () => void }) {
  const c = useTexts();
  const { t, locale } = useSettings();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const { search } = useLocation();
  const current = live?.manifest?.parameters ?? {};
  const names = Object.keys(current);
  const [typed, setTyped] = useState<Typed>(() => proposed(search, names));
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [once, setOnce] = useState(() => uuid7(Date.now()));
  const wrong = (name: string) =>
    (typed[name] ?? '').trim() !== '' && parseNumber(typed[name]!) === null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (busy || names.some(wrong)) return;
    const parameters: Record<string, number> = {};
    for (const name of names) {
      const value = parseNumber(typed[name] ?? '');
      if (value !== null) parameters[name] = value;
    }
    setBusy(true);
    setError(null);
    try {
      await api.start('train', once, parameters);
      setOnce(uuid7(Date.now()));
      toast(c.training.started);
      started();
    } catch (failed) {
      if (!isAbort(failed)) setError(failed);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      {names.length > 0 ? (
        <details className="parameters" open={Object.keys(typed).length > 0 || undefined}>
          <summary>{c.training.parameters}</summary>
          <p className="quiet">{c.training.parametersText}</p>
          <div className="parameter-fields">
            {names.map((name) => (
              <Field
                key={name}
                label={name}
                inputMode="decimal"
                placeholder={formatNumber(current[name]!, locale)}
                value={typed[name] ?? ''}
                error={checked && wrong(name) ? c.training.number : undefined}
                onChange={(event) => {
                  setTyped({ ...typed, [name]: event.target.value });
                  setOnce(uuid7(Date.now()));
                }}
              />
            ))}
          </div>
          <p className="parameter-tools">
            <button
              type="button"
              className="text-button"
              onClick={() =>
                setTyped(Object.fromEntries(names.map((name) => [name, String(current[name])])))
              }
            >
              {c.training.useLive}
            </button>
            <button type="button" className="text-button" onClick={() => setTyped({})}>
              {c.training.clear}
            </button>
          </p>
        </details>
      ) : (
        <p className="quiet">{c.training.parametersNone}</p>
      )}
      {error !== null && (
        <p className="field-error" role="alert">
          {errorText(error, t)}
        </p>
      )}
      <Button type="submit" look="primary" busy={busy} disabled={shop.read_only}>
        {c.training.now}
      </Button>
    </form>
  );
}

function asText(value: unknown): string {
  return value && typeof value === 'object'
    ? Object.entries(value)
        .map(([name, n]) => `${name}=${n}`)
        .join(', ')
    : '';
}

function History({ jobs, models }: { jobs: Job[]; models: ModelVersion[] }) {
  const c = useTexts();
  const { at, span } = useTimes();
  const ended = jobs.filter((job) => !isActive(job));
  if (ended.length === 0) return <Nothing title={c.training.empty} text={c.training.emptyText} />;
  return (
    <Table stacked label={c.training.history}>
      <thead>
        <tr>
          <th scope="col">{c.jobs.number}</th>
          <th scope="col">{c.jobs.state}</th>
          <th scope="col">{c.jobs.started}</th>
          <th scope="col">{c.jobs.took}</th>
          <th scope="col">{c.jobs.result}</th>
        </tr>
      </thead>
      <tbody>
        {ended.map((job) => {
          const version = models.find((m) => m.version === job.result?.version);
          const parameters = asText(job.arguments?.parameters);
          return (
            <tr key={job.id} data-job={job.id}>
              <th scope="row" data-label={c.jobs.number}>
                {job.id}
              </th>
              <td data-label={c.jobs.state}>
                <JobStatus job={job} />
              </td>
              <td data-label={c.jobs.started}>{at(job.started_at ?? job.created_at)}</td>
              <td data-label={c.jobs.took}>{span(job.started_at, job.finished_at)}</td>
              <td className="result">
                {version && (
                  <Link to={modelUrl(version.family, version.version)}>{version.version}</Link>
                )}
                <p>
                  <JobOutcome job={job} />
                </p>
                {parameters && <p className="quiet code">{parameters}</p>}
              </td>
            </tr>
          );
        })}
      </tbody>
    </Table>
  );
}

export default function TrainingPage() {
  const c = useTexts();
  const { api } = useConsole();
  const live = useLive(
    'training',
    async (signal) => {
      const [jobs, models] = await Promise.all([api.jobs(undefined, signal), api.models(signal)]);
      return { jobs: jobs.items.filter((job) => job.kind === 'train'), models: models.items };
    },
    (seen) => jobPace(seen?.jobs ?? null),
  );
  return (
    <Page title={c.training.title} text={c.training.text}>
      <Shown live={live}>
        {({ jobs, models }) => (
          <>
            <Panel title={c.training.now}>
              {jobs.filter(isActive).map((job) => (
                <JobProgress key={job.id} job={job} changed={live.reload} />
              ))}
              <TrainForm live={liveVersion(models, 'recommend')} started={live.reload} />
            </Panel>
            <Panel title={c.training.history}>
              <History jobs={jobs} models={models} />
            </Panel>
          </>
        )}
      </Shown>
    </Page>
  );
}
