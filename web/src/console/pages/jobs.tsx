import { useState } from 'react';
import { useNotices } from '../../state/notices';
import { Button } from '../../ui/button';
import { Confirm } from '../parts/confirm';
import { useLive } from '../lib/live';
import { isActive, JobOutcome, jobPace, JobProgress, JobStatus, useJobName } from '../parts/job';
import { Nothing, Page, Panel, Shown, Table } from '../parts/page';
import { useTimes } from '../parts/times';
import type { Job } from '../api';
import { useConsole } from '../session';
import { useTexts } from '../texts';

export function JobTable({ jobs, label }: { jobs: Job[]; label: string }) {
  const c = useTexts();
  const { at, span } = useTimes();
  const nameOf = useJobName();
  return (
    <Table stacked label={label}>
      <thead>
        <tr>
          <th scope="col">{c.jobs.number}</th>
          <th scope="col">{c.jobs.kind}</th>
          <th scope="col">{c.jobs.state}</th>
          <th scope="col">{c.jobs.started}</th>
          <th scope="col">{c.jobs.took}</th>
          <th scope="col">{c.jobs.result}</th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <tr key={job.id} data-job={job.id}>
            <th scope="row" data-label={c.jobs.number}>
              {job.id}
            </th>
            <td data-label={c.jobs.kind}>{nameOf(job)}</td>
            <td data-label={c.jobs.state}>
              <JobStatus job={job} />
            </td>
            <td data-label={c.jobs.started}>{at(job.started_at ?? job.created_at)}</td>
            <td data-label={c.jobs.took}>{span(job.started_at, job.finished_at)}</td>
            <td className="result">
              <JobOutcome job={job} />
              {job.result && (
                <details>
                  <summary>{c.jobs.raw}</summary>
                  <pre className="code">{JSON.stringify(job.result, null, 2)}</pre>
                </details>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function CompactButton({ changed }: { changed: () => void }) {
  const c = useTexts();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button disabled={shop.read_only} onClick={() => setAsking(true)}>
        {c.jobs.compact}
      </Button>
      {asking && (
        <Confirm
          title={c.jobs.compact}
          action={c.jobs.compact}
          run={async (once) => {
            await api.start('compact', once);
            toast(c.jobs.compacted);
            changed();
          }}
          close={() => setAsking(false)}
        >
          <p>{c.jobs.compactText}</p>
        </Confirm>
      )}
    </>
  );
}

export default function JobsPage() {
  const c = useTexts();
  const { api } = useConsole();
  const live = useLive(
    'jobs',
    async (signal) => (await api.jobs(undefined, signal)).items,
    jobPace,
  );
  return (
    <Page title={c.jobs.title} text={c.jobs.text} actions={<CompactButton changed={live.reload} />}>
      <Shown live={live}>
        {(jobs) => (
          <>
            {jobs.some(isActive) && (
              <Panel title={c.overview.running}>
                {jobs.filter(isActive).map((job) => (
                  <JobProgress key={job.id} job={job} changed={live.reload} />
                ))}
              </Panel>
            )}
            <Panel>
              {jobs.length === 0 ? (
                <Nothing title={c.jobs.empty} text={c.jobs.emptyText} />
              ) : (
                <JobTable jobs={jobs.filter((job) => !isActive(job))} label={c.jobs.title} />
              )}
            </Panel>
          </>
        )}
      </Shown>
    </Page>
  );
}
