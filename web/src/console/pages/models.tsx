import { useState } from 'react';
import { useSettings } from '../../state/settings';
import { ButtonLink } from '../../ui/button';
import { Select } from '../../ui/forms';
import { Link } from '../../ui/link';
import { EmptyState } from '../../ui/states';
import type { ModelVersion } from '../api';
import { formatSigned } from '../lib/format';
import { useLive } from '../lib/live';
import {
  gainOverPopularity,
  intervalOf,
  judgedList,
  liveVersion,
  metricNames,
  metricSeries,
} from '../lib/models';
import { MetricChart } from '../parts/chart';
import { Page, Panel, Shown, Table } from '../parts/page';
import { ModelStatus, PublishButton, RollbackButton } from '../parts/publishing';
import { useTimes } from '../parts/times';
import { modelUrl, pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

function Row(props: {
  model: ModelVersion;
  live: ModelVersion | undefined;
  metric: string;
  changed: () => void;
}) {
  const { model, metric } = props;
  const c = useTexts();
  const { locale, number } = useSettings();
  const { at } = useTimes();
  const value = judgedList(model.manifest)?.[metric];
  const interval = intervalOf(model.manifest, metric);
  const gain = gainOverPopularity(model.manifest);
  return (
    <tr data-version={model.version}>
      <th scope="row">
        <Link to={modelUrl(model.family, model.version)}>{model.version}</Link>
      </th>
      <td data-label={c.models.trained}>{at(model.manifest?.trained_at ?? model.created_at)}</td>
      <td data-label={c.models.state}>
        <ModelStatus model={model} />
      </td>
      <td className="number" data-label={c.models.metrics[metric] ?? metric}>
        {value === undefined ? '–' : number(value, 4)}
        {interval && (
          <span className="interval-text">
            {number(interval.low, 4)} – {number(interval.high, 4)}
          </span>
        )}
      </td>
      <td className="number" data-label={c.models.change}>
        {gain ? formatSigned(gain.mean, locale) : '–'}
      </td>
      <td className="row-actions">
        <PublishButton model={model} live={props.live} changed={props.changed} />
      </td>
    </tr>
  );
}

function Family(props: {
  family: string;
  models: ModelVersion[];
  many: boolean;
  changed: () => void;
}) {
  const { family, changed } = props;
  const c = useTexts();
  const models = props.models.filter((model) => model.family === family);
  const metrics = metricNames(models);
  const [chosen, setMetric] = useState('ndcg');
  const metric = metrics.includes(chosen) ? chosen : (metrics[0] ?? 'ndcg');
  const live = liveVersion(models, family);
  const name = c.models.metrics[metric] ?? metric;
  return (
    <>
      {metrics.length > 0 && (
        <Panel
          title={props.many ? `${c.models.chart}: ${family}` : c.models.chart}
          actions={
            <Select
              inline
              label={c.models.metric}
              value={metric}
              onChange={(event) => setMetric(event.target.value)}
            >
              {metrics.map((option) => (
                <option key={option} value={option}>
                  {c.models.metrics[option] ?? option}
                </option>
              ))}
            </Select>
          }
        >
          <MetricChart points={metricSeries(models, family, metric)} metric={metric} />
        </Panel>
      )}
      <Panel
        title={props.many ? family : c.models.title}
        text={c.models.latest}
        actions={<RollbackButton live={live} models={models} changed={changed} />}
      >
        <Table stacked label={props.many ? family : c.models.title}>
          <thead>
            <tr>
              <th scope="col">{c.models.version}</th>
              <th scope="col">{c.models.trained}</th>
              <th scope="col">{c.models.state}</th>
              <th scope="col" className="number">
                {name}
              </th>
              <th scope="col" className="number">
                {c.models.change}
              </th>
              <th scope="col">
                <span className="sr-only">{c.models.publish}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {models.map((model) => (
              <Row
                key={model.version}
                model={model}
                live={live}
                metric={metric}
                changed={changed}
              />
            ))}
          </tbody>
        </Table>
      </Panel>
    </>
  );
}

export default function ModelsPage() {
  const c = useTexts();
  const { api } = useConsole();
  const live = useLive('models', async (signal) => (await api.models(signal)).items, 5000);
  return (
    <Page
      title={c.models.title}
      text={c.models.text}
      actions={
        <ButtonLink to={pageUrl('training')} look="primary">
          {c.training.now}
        </ButtonLink>
      }
    >
      <Shown live={live}>
        {(models) =>
          models.length === 0 ? (
            <EmptyState icon="trend" title={c.models.empty} text={c.models.emptyText}>
              <ButtonLink to={pageUrl('training')} look="primary">
                {c.overview.train}
              </ButtonLink>
            </EmptyState>
          ) : (
            [...new Set(models.map(({ family }) => family))].map((family, _i, all) => (
              <Family
                key={family}
                family={family}
                models={models}
                many={all.length > 1}
                changed={live.reload}
              />
            ))
          )
        }
      </Shown>
    </Page>
  );
}
