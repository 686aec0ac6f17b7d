import { navigate, useLocation } from '../../lib/router';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Field, Select } from '../../ui/forms';
import { Link } from '../../ui/link';
import {
  BY,
  type Attribution,
  type AttributionRow,
  type By,
  type Experiment,
  type Revenue,
} from '../api';
import { useLive } from '../lib/live';
import {
  csvOf,
  PERIODS,
  readReport,
  timesOf,
  WINDOWS,
  writeReport,
  type ReportQuery,
} from '../lib/reports';
import { ShareBar } from '../parts/chart';
import { Checks } from '../parts/checks';
import { useMeasures } from '../parts/experiment';
import { Nothing, Page, Panel, Shown, Table } from '../parts/page';
import { useTimes } from '../parts/times';
import { experimentUrl, modelUrl, pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

const FIGURES = ['requests', 'impressions', 'clicks', 'carts', 'purchases'] as const;

/** The experiment and variant of a row: it has their numbers, and what was deleted has no name any more. */
function variantNames(row: AttributionRow, experiments: Experiment[]) {
  const experiment = experiments.find(({ number }) => number === row.experiment);
  const variant = experiment?.definition.variants[row.variant ?? -1]?.name;
  return { experiment, variant: variant ?? String(row.variant) };
}

function Money({ revenue }: { revenue: Revenue[] }) {
  const { money } = useSettings();
  if (revenue.length === 0) return '–';
  return revenue.map(({ currency, amount }) => (
    <span key={currency} className="amount">
      {money(amount, currency)}
    </span>
  ));
}

function Of({ row, by, experiments }: { row: AttributionRow; by: By; experiments: Experiment[] }) {
  const c = useTexts();
  if (by === 'placement')
    return row.placement ? (c.placements.names[row.placement] ?? row.placement) : '–';
  if (by === 'model')
    return row.model ? (
      <Link to={modelUrl('recommend', row.model)}>{row.model}</Link>
    ) : (
      <span className="quiet">{c.reports.noModel}</span>
    );
  if (row.experiment == null) return <span className="quiet">{c.reports.noVariant}</span>;
  const { experiment, variant } = variantNames(row, experiments);
  return experiment ? (
    <>
      <Link to={experimentUrl(experiment.id)}>{experiment.id}</Link>: {variant}
    </>
  ) : (
    `${c.reports.gone(row.experiment)}: ${variant}`
  );
}

function Rows(props: { report: Attribution; by: By[]; experiments: Experiment[] }) {
  const { report, by, experiments } = props;
  const c = useTexts();
  const r = c.reports;
  const { number } = useSettings();
  const { share } = useMeasures();
  const best = Math.max(0, ...report.items.map(({ ctr }) => ctr ?? 0));
  const said = (value: number | null) => (value === null ? '–' : share(value));
  return (
    <Table stacked label={r.title}>
      <thead>
        <tr>
          {by.length === 0 && <th scope="col">{r.by}</th>}
          {by.map((name) => (
            <th key={name} scope="col">
              {r.byNames[name]}
            </th>
          ))}
          {[...FIGURES, 'ctr' as const, 'conversion' as const, 'revenue' as const].map((name) => (
            <th key={name} scope="col" className="number">
              {r[name]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {report.items.map((row, i) => (
          <tr key={i} data-row={row.placement ?? i}>
            {by.length === 0 && <th scope="row">{r.all}</th>}
            {by.map((name, at) => {
              const Cell = at === 0 ? 'th' : 'td';
              return (
                <Cell
                  key={name}
                  scope={at === 0 ? 'row' : undefined}
                  data-label={at === 0 ? undefined : r.byNames[name]}
                  className="wrap"
                >
                  <Of row={row} by={name} experiments={experiments} />
                </Cell>
              );
            })}
            {FIGURES.map((name) => (
              <td key={name} className="number" data-label={r[name]}>
                {number(row[name])}
              </td>
            ))}
            <td className="number" data-label={r.ctr}>
              <span>{said(row.ctr)}</span>
              <ShareBar share={best > 0 ? (row.ctr ?? 0) / best : 0} />
            </td>
            <td className="number" data-label={r.conversion}>
              {said(row.conversion)}
            </td>
            <td className="number" data-label={r.revenue}>
              <Money revenue={row.revenue} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function DownloadButton(props: { report: Attribution; by: By[]; experiments: Experiment[] }) {
  const { report, by, experiments } = props;
  const { reports: r } = useTexts();
  const { announce } = useNotices();
  const names = (row: AttributionRow) =>
    by.flatMap((one) => {
      if (one !== 'variant') return [row[one] ?? ''];
      if (row.experiment == null) return ['', ''];
      const { experiment, variant } = variantNames(row, experiments);
      return [experiment?.id ?? String(row.experiment), variant];
    });
  const download = () => {
    /* With a mark of its encoding, or spreadsheets take it for another. */
    const file = new Blob(['\ufeff', csvOf(report, by, names)], { type: 'text/csv' });
    const url = URL.createObjectURL(file);
    const link = document.createElement('a');
    link.href = url;
    link.download = `attribution-${report.from.slice(0, 10)}-${report.to.slice(0, 10)}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    announce(r.downloaded);
  };
  return <Button onClick={download}>{r.download}</Button>;
}

function Choice({
  query,
  set,
}: {
  query: ReportQuery;
  set: (change: Partial<ReportQuery>) => void;
}) {
  const { reports: r } = useTexts();
  const own = query.from !== '';
  const today = () =>
    new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  return (
    <Panel className="controls">
      <div className="form-row three">
        <Select
          label={r.period}
          name="period"
          value={own ? 'own' : query.days}
          onChange={({ target: { value } }) =>
            set(
              value === 'own'
                ? { from: today(), to: today() }
                : { from: '', to: '', days: Number(value) },
            )
          }
        >
          {PERIODS.map((days) => (
            <option key={days} value={days}>
              {r.periods[days]}
            </option>
          ))}
          <option value="own">{r.own}</option>
        </Select>
        {own &&
          (['from', 'to'] as const).map((name) => (
            <Field
              key={name}
              label={r[name]}
              type="date"
              name={name}
              required
              value={query[name]}
              onChange={({ target: { value } }) => value && set({ [name]: value })}
            />
          ))}
        <Select
          label={r.window}
          name="window"
          value={query.window}
          onChange={(event) => set({ window: Number(event.target.value) })}
        >
          {WINDOWS.map((days) => (
            <option key={days} value={days}>
              {r.windowDays(days)}
            </option>
          ))}
        </Select>
      </div>
      <Checks
        legend={r.by}
        options={BY}
        label={(name) => r.byNames[name as By]}
        value={query.by}
        onChange={(chosen) => set({ by: BY.filter((name) => chosen.includes(name)) })}
      />
    </Panel>
  );
}

export default function ReportsPage() {
  const { reports: r } = useTexts();
  const { api } = useConsole();
  const { at } = useTimes();
  const { search } = useLocation();
  const query = readReport(search);
  const set = (change: Partial<ReportQuery>) =>
    navigate(pageUrl('reports') + writeReport({ ...query, ...change }), { replace: true });
  const live = useLive(
    `reports${writeReport(query)}`,
    async (signal) => {
      const asked = { ...timesOf(query, Date.now()), by: query.by, window_days: query.window };
      const [report, experiments] = await Promise.all([
        api.attribution(asked, signal),
        query.by.includes('variant') ? api.experiments(signal) : [],
      ]);
      return { report, experiments, by: query.by };
    },
    60_000,
  );
  return (
    <Page title={r.title} text={r.text} actions={live.data && <DownloadButton {...live.data} />}>
      <Choice query={query} set={set} />
      <Panel>
        <Shown live={live}>
          {({ report, experiments, by }) => (
            <>
              <p className="quiet times">{r.from_to(at(report.from), at(report.to))}</p>
              {report.items.length === 0 ? (
                <Nothing title={r.empty} text={r.emptyText} />
              ) : (
                <Rows report={report} by={by} experiments={experiments} />
              )}
              <p className="unattributed">
                <strong>{r.unattributed}</strong>:{' '}
                {r.unattributedText(report.unattributed.purchases)}
                {report.unattributed.revenue.length > 0 && (
                  <>
                    {', '}
                    <Money revenue={report.unattributed.revenue} />
                  </>
                )}
              </p>
            </>
          )}
        </Shown>
        <p className="fine after">
          {r.legend} {r.takes}
        </p>
      </Panel>
    </Page>
  );
}
