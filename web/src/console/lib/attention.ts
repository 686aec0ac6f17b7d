/* attention.ts - what somebody who runs the shop should look at, most urgent first. */
import type { Experiment, Job, ModelVersion, Overview, Ready } from '../api';
import type { ConsoleTexts } from '../i18n/en';
import { experimentUrl, modelUrl, pageUrl } from '../routes';
import { needsOf } from './experiments';
import { liveVersion } from './models';
import { verdictText } from './verdict';

export interface Concern {
  id: string;
  tone: 'bad' | 'warn';
  title: string;
  text?: string;
  to: string;
}

const RECENT_MS = 7 * 86_400_000;

/** Failed jobs of the last week after which none of the same kind has succeeded, one a kind. */
function failedJobs(jobs: Job[], now: number): Job[] {
  const seen = new Set<string>();
  return jobs.filter((job) => {
    if (job.state === 'queued' || job.state === 'running' || job.state === 'cancelled')
      return false;
    const first = !seen.has(job.kind);
    seen.add(job.kind);
    const at = new Date(job.finished_at ?? job.created_at).getTime();
    return first && job.state === 'failed' && now - at < RECENT_MS;
  });
}

/** The newest version, where its gates refused it: what has been learned since does not serve. */
function refusedVersions(models: ModelVersion[]): ModelVersion[] {
  const families = [...new Set(models.map(({ family }) => family))];
  return families.flatMap((family) => {
    const newest = models
      .filter((model) => model.family === family)
      .reduce((a, b) => (b.created_at > a.created_at ? b : a));
    return newest.state === 'rejected' && !newest.live ? [newest] : [];
  });
}

export function concerns(
  seen: {
    overview: Overview;
    ready: Ready;
    models: ModelVersion[];
    jobs: Job[];
    experiments: Experiment[];
  },
  now: number,
  c: ConsoleTexts,
  locale: string,
): Concern[] {
  const { overview, ready, models, jobs, experiments } = seen;
  const t = c.attention;
  const found: Concern[] = [];
  if (ready.store === 'failing') {
    found.push({
      id: 'store',
      tone: 'bad',
      title: t.storeFailing,
      text: t.storeFailingText(ready.writes.failure?.code ?? '?'),
      to: pageUrl('jobs'),
    });
  }
  if (overview.products === 0) {
    found.push({
      id: 'products',
      tone: 'warn',
      title: t.noProducts,
      text: t.noProductsText,
      to: pageUrl('imports'),
    });
  }
  const live = liveVersion(models, 'recommend');
  if (!live && overview.products > 0) {
    found.push({
      id: 'model',
      tone: 'warn',
      title: t.noModel,
      text: t.noModelText,
      to: pageUrl('training'),
    });
  } else if (live && ready.view.model !== live.version) {
    found.push({
      id: 'served',
      tone: 'bad',
      title: t.notServed,
      text: t.notServedText(live.version),
      to: modelUrl(live.family, live.version),
    });
  }
  for (const job of failedJobs(jobs, now)) {
    found.push({
      id: `job-${job.id}`,
      tone: 'bad',
      title: t.failedJob(c.jobs.kinds[job.kind] ?? job.kind, job.id),
      text: job.message,
      to: pageUrl(job.kind === 'train' ? 'training' : job.kind === 'import' ? 'imports' : 'jobs'),
    });
  }
  for (const model of refusedVersions(models)) {
    found.push({
      id: `gate-${model.version}`,
      tone: 'warn',
      title: t.refused(model.version),
      text: verdictText(model.manifest, c, locale),
      to: modelUrl(model.family, model.version),
    });
  }
  /* Those that were stopped by themselves. What runs would take a report each. */
  for (const experiment of experiments) {
    const needs = needsOf(experiment, undefined).filter((need) => need !== 'decide');
    if (needs.length === 0) continue;
    found.push({
      id: `experiment-${experiment.id}`,
      tone: needs.includes('days') ? 'warn' : 'bad',
      title: t.experiment(experiment.id),
      text: needs.map((need) => c.experiments.needs[need]).join(', '),
      to: experimentUrl(experiment.id),
    });
  }
  const rows = new Map<string, number>();
  for (const { kind, rows: n } of overview.quarantine) rows.set(kind, (rows.get(kind) ?? 0) + n);
  for (const [kind, n] of rows) {
    found.push({
      id: `quarantine-${kind}`,
      tone: 'warn',
      title: t.quarantine(n, c.jobs.contents[kind] ?? kind),
      to: `${pageUrl('quarantine')}?kind=${encodeURIComponent(kind)}`,
    });
  }
  if (overview.quarantine_dropped > 0) {
    found.push({
      id: 'dropped',
      tone: 'warn',
      title: t.dropped(overview.quarantine_dropped),
      text: t.droppedText,
      to: pageUrl('quarantine'),
    });
  }
  return found;
}
