/* job.tsx - a job: how far it is, what came of it. */
import { useState } from 'react';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import type { Job, JobState } from '../api';
import { verdictText } from '../lib/verdict';
import { useConsole } from '../session';
import { useTexts } from '../texts';
import { Confirm } from './confirm';
import { Status, type Tone } from './page';
import { useTimes } from './times';

export const isActive = (job: Job) => job.state === 'queued' || job.state === 'running';

/** How soon to ask again: often while something runs. */
export const jobPace = (jobs: Job[] | null) => (jobs?.some(isActive) ? 700 : 5000);

const TONES: Record<JobState, Tone> = {
  queued: 'plain',
  running: 'busy',
  done: 'good',
  failed: 'bad',
  cancelled: 'plain',
};

export function JobStatus({ job }: { job: Job }) {
  const c = useTexts();
  return <Status tone={TONES[job.state]}>{c.jobs.states[job.state]}</Status>;
}

export function useJobName() {
  const c = useTexts();
  return (job: Job): string => {
    if (job.kind !== 'import') return c.jobs.kinds[job.kind] ?? job.kind;
    const kind = String(job.arguments?.kind ?? '');
    const file = job.arguments?.name;
    return c.jobs.importOf(c.jobs.contents[kind] ?? kind, typeof file === 'string' ? file : '');
  };
}

/** A job under way: a bar, what it does, how long it has run, and the way to stop it. */
export function JobProgress({ job, changed }: { job: Job; changed: () => void }) {
  const c = useTexts();
  const { api } = useConsole();
  const { toast } = useNotices();
  const { span } = useTimes();
  const nameOf = useJobName();
  const [asking, setAsking] = useState(false);
  const percent = Math.floor(100 * job.progress);
  const step =
    job.state === 'queued' ? c.training.queued : c.training.steps[job.message] || job.message;
  const stop = async () => {
    await api.cancel(job.id);
    toast(c.jobs.cancelled);
    changed();
  };
  return (
    <div className="progress" data-job={job.id}>
      <div className="progress-head">
        <strong>{nameOf(job)}</strong>
        <span className="quiet">
          {step}
          {job.started_at && ` · ${c.training.elapsed(span(job.started_at, job.finished_at))}`}
        </span>
        <span className="progress-percent">{c.jobs.progress(percent)}</span>
      </div>
      <progress max={100} value={percent} aria-label={nameOf(job)} />
      <Button onClick={() => setAsking(true)} aria-label={c.jobs.stopJob(job.id)}>
        {c.jobs.stop}
      </Button>
      {asking && job.kind === 'train' && (
        <Confirm
          title={c.training.cancelTitle}
          action={c.training.cancel}
          keep={c.training.keep}
          danger
          run={stop}
          close={() => setAsking(false)}
        >
          <p>{c.training.cancelText}</p>
        </Confirm>
      )}
      {asking && job.kind !== 'train' && (
        <Confirm
          title={c.jobs.stopJob(job.id)}
          action={c.jobs.stop}
          keep={c.training.keep}
          danger
          run={stop}
          close={() => setAsking(false)}
        >
          <p>{nameOf(job)}</p>
        </Confirm>
      )}
    </div>
  );
}

const numberOf = (result: Job['result'], name: string) => {
  const value = result?.[name];
  return typeof value === 'number' ? value : null;
};

/** One line about what came of a job that has ended. */
export function JobOutcome({ job }: { job: Job }) {
  const c = useTexts();
  const { number, locale } = useSettings();
  if (job.state === 'failed') return <span className="bad-text">{job.message}</span>;
  if (job.state !== 'done') return <span className="quiet">{job.message || '–'}</span>;
  if (job.kind === 'train') {
    return <>{verdictText(job.result, c, locale)}</>;
  }
  if (job.kind === 'import') {
    return (
      <>
        {c.imports.summary(
          number(numberOf(job.result, 'accepted') ?? 0),
          number(numberOf(job.result, 'quarantined') ?? 0),
        )}
      </>
    );
  }
  const removed = ['events', 'quarantined', 'replies', 'jobs', 'changes'].reduce(
    (sum, name) => sum + (numberOf(job.result, name) ?? 0),
    0,
  );
  return <>{c.jobs.removed(removed)}</>;
}
