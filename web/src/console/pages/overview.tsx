import { useMemo, type ReactNode } from 'react';
import { useSettings } from '../../state/settings';
import { ButtonLink } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { Link } from '../../ui/link';
import type { Experiment, Job, ModelVersion, Overview, Ready } from '../api';
import { concerns, type Concern } from '../lib/attention';
import { formatSigned } from '../lib/format';
import { useLive } from '../lib/live';
import { gainOverPopularity, judgedList, liveVersion } from '../lib/models';
import { isActive, JobProgress, jobPace } from '../parts/job';
import { Facts, Nothing, Page, Panel, Shown, Status } from '../parts/page';
import { useTimes } from '../parts/times';
import { modelUrl, pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

function Stat(props: { label: string; value: number; note?: string }) {
  const { number } = useSettings();
  return (
    <div className="stat">
      <dt>{props.label}</dt>
      <dd>
        <span className="stat-value">{number(props.value)}</span>
        {props.note && <span className="stat-note">{props.note}</span>}
      </dd>
    </div>
  );
}

function Counts({ overview }: { overview: Overview }) {
  const c = useTexts();
  const { ago } = useTimes();
  const last = overview.last_event_at;
  return (
    <dl className="stats">
      <Stat label={c.overview.products} value={overview.products} />
      <Stat label={c.overview.shoppers} value={overview.shoppers} note={c.overview.shoppersNote} />
      <Stat
        label={c.overview.events}
        value={overview.events}
        note={last ? c.overview.eventsNote(ago(last)) : c.overview.eventsNone}
      />
      <Stat label={c.overview.orders} value={overview.orders} />
    </dl>
  );
}

function Concerns({ list }: { list: Concern[] }) {
  const c = useTexts();
  return (
    <Panel title={c.overview.attention} className="wide">
      {list.length === 0 ? (
        <p className="all-well">
          <Icon name="check" /> {c.overview.allWell}
        </p>
      ) : (
        <ul className="concerns">
          {list.map((concern) => (
            <li key={concern.id} data-tone={concern.tone}>
              <Icon name="alert" />
              <div>
                <Link to={concern.to}>{concern.title}</Link>
                {concern.text && <p>{concern.text}</p>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function LiveModel({ models }: { models: ModelVersion[] }) {
  const c = useTexts();
  const { locale, number } = useSettings();
  const { ago } = useTimes();
  const live = liveVersion(models, 'recommend');
  if (!live) {
    return (
      <Panel title={c.overview.live}>
        <Nothing title={c.overview.noModel} text={c.overview.noModelText}>
          <ButtonLink to={pageUrl('training')} look="primary">
            {c.overview.train}
          </ButtonLink>
        </Nothing>
      </Panel>
    );
  }
  const figures = judgedList(live.manifest);
  const gain = gainOverPopularity(live.manifest);
  const facts: [string, ReactNode][] = [];
  if (figures?.ndcg !== undefined) facts.push([c.models.metrics.ndcg!, number(figures.ndcg, 4)]);
  if (gain) {
    facts.push([
      c.models.change,
      `${formatSigned(gain.mean, locale)} [${formatSigned(gain.low, locale)}, ${formatSigned(gain.high, locale)}]`,
    ]);
  }
  return (
    <Panel title={c.overview.live}>
      <p className="big-link">
        <Link to={modelUrl(live.family, live.version)}>{live.version}</Link>
      </p>
      {live.published_at && <p className="quiet">{c.overview.served(ago(live.published_at))}</p>}
      <Facts facts={facts} />
    </Panel>
  );
}

function Server({ ready }: { ready: Ready }) {
  const c = useTexts();
  const { number } = useSettings();
  const { shop } = useConsole();
  const well = ready.store === 'ok';
  return (
    <Panel title={c.overview.health}>
      <Facts
        facts={[
          [
            c.overview.healthStore,
            <Status key="store" tone={well ? 'good' : 'bad'}>
              {well ? c.overview.healthOk : c.overview.healthFailing}
            </Status>,
          ],
          [c.overview.healthQueued, number(ready.writes.queued)],
          [c.overview.healthPosition, number(ready.view.position)],
          [c.overview.healthSegments, number(ready.view.segments)],
          [c.overview.healthVersion, shop.version],
        ]}
      />
    </Panel>
  );
}

function ShopFacts() {
  const c = useTexts();
  const { shop } = useConsole();
  return (
    <Panel title={c.overview.shop}>
      <Facts
        facts={[
          [c.overview.kind, shop.demo ? c.overview.demo : c.overview.real],
          [c.overview.currency, shop.currency ?? c.none],
          [c.overview.languages, shop.languages.join(', ')],
          [c.overview.writable, shop.read_only ? c.no : c.yes],
        ]}
      />
    </Panel>
  );
}

interface Everything {
  overview: Overview;
  ready: Ready;
  models: ModelVersion[];
  jobs: Job[];
  experiments: Experiment[];
}

function Report({ seen, reload }: { seen: Everything; reload: () => void }) {
  const c = useTexts();
  const { locale } = useSettings();
  const list = useMemo(() => concerns(seen, Date.now(), c, locale), [seen, c, locale]);
  const active = seen.jobs.filter(isActive);
  return (
    <>
      <Counts overview={seen.overview} />
      <div className="panels">
        {active.length > 0 && (
          <Panel title={c.overview.running} className="wide">
            {active.map((job) => (
              <JobProgress key={job.id} job={job} changed={reload} />
            ))}
          </Panel>
        )}
        <Concerns list={list} />
        <LiveModel models={seen.models} />
        <Server ready={seen.ready} />
        <ShopFacts />
      </div>
    </>
  );
}

export function OverviewPage() {
  const c = useTexts();
  const { api } = useConsole();
  const live = useLive<Everything>(
    'overview',
    async (signal) => {
      const [overview, ready, models, jobs, experiments] = await Promise.all([
        api.overview(signal),
        api.ready(signal),
        api.models(signal),
        api.jobs(undefined, signal),
        api.experiments(signal),
      ]);
      return { overview, ready, models: models.items, jobs: jobs.items, experiments };
    },
    (seen) => jobPace(seen?.jobs ?? null),
  );
  return (
    <Page title={c.overview.title}>
      <Shown live={live}>{(seen) => <Report seen={seen} reload={live.reload} />}</Shown>
    </Page>
  );
}
