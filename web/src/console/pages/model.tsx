import type { ReactNode } from 'react';
import { useSettings } from '../../state/settings';
import { ButtonLink } from '../../ui/button';
import { EmptyState } from '../../ui/states';
import type { Gate, Manifest, ModelVersion } from '../api';
import { formatBytes, formatNumber, formatSigned } from '../lib/format';
import { useLive } from '../lib/live';
import {
  compareParameters,
  gatesOf,
  judgedList,
  liveVersion,
  measuredLists,
  metricNames,
  numberMetric,
  textMetric,
} from '../lib/models';
import { verdictText } from '../lib/verdict';
import { IntervalBar } from '../parts/chart';
import { Facts, Page, Panel, Shown, Status, Table } from '../parts/page';
import { ModelStatus, PublishButton } from '../parts/publishing';
import { useTimes } from '../parts/times';
import { pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

function Metrics({ model, live }: { model: ModelVersion; live: ModelVersion | undefined }) {
  const c = useTexts();
  const { locale, number } = useSettings();
  const { at } = useTimes();
  const lists = measuredLists(model.manifest);
  const theirs = live && live.version !== model.version ? judgedList(live.manifest) : null;
  const ours = judgedList(model.manifest);
  const users = numberMetric(model.manifest, 'users');
  const split = textMetric(model.manifest, 'split');
  const k = numberMetric(model.manifest, 'k');
  if (lists.length === 0) return null;
  return (
    <Panel
      title={k ? `${c.model.metrics} @${k}` : c.model.metrics}
      text={users !== null && split ? c.model.metricsText(number(users), at(split)) : undefined}
    >
      <Table label={c.model.metrics}>
        <thead>
          <tr>
            <th scope="col">{c.models.metric}</th>
            {lists.map(([name]) => (
              <th key={name} scope="col" className="number">
                {c.models.lists[name] ?? name}
              </th>
            ))}
            {theirs && (
              <>
                <th scope="col" className="number">
                  {c.model.live}
                </th>
                <th scope="col" className="number">
                  {c.model.difference}
                </th>
              </>
            )}
          </tr>
        </thead>
        <tbody>
          {metricNames([model]).map((name) => {
            const other = theirs?.[name];
            const own = ours?.[name];
            return (
              <tr key={name}>
                <th scope="row">{c.models.metrics[name] ?? name}</th>
                {lists.map(([list, figures]) => (
                  <td key={list} className="number">
                    {figures[name] === undefined ? '–' : number(figures[name], 4)}
                  </td>
                ))}
                {theirs && (
                  <>
                    <td className="number">{other === undefined ? '–' : number(other, 4)}</td>
                    <td className="number">
                      {other === undefined || own === undefined
                        ? '–'
                        : formatSigned(own - other, locale)}
                    </td>
                  </>
                )}
              </tr>
            );
          })}
        </tbody>
      </Table>
    </Panel>
  );
}

function Gates({ manifest }: { manifest: Manifest | null }) {
  const c = useTexts();
  const { locale, number } = useSettings();
  const gates = gatesOf(manifest);
  const reach = Math.max(
    1e-6,
    ...gates.flatMap(([, { difference: d }]) => [Math.abs(d.low), Math.abs(d.high)]),
  );
  const row = ([name, gate]: [string, Gate]) => {
    const title = c.model.gate[name] ?? name;
    const { mean, low, high } = gate.difference;
    const [m, l, h] = [mean, low, high].map((value) => formatSigned(value, locale)) as [
      string,
      string,
      string,
    ];
    return (
      <li key={name} className="gate">
        <div>
          <strong>{title}</strong>
          <span className="quiet">{c.model.shoppers(number(gate.shoppers))}</span>
        </div>
        <IntervalBar
          interval={gate.difference}
          reach={reach}
          label={c.model.gateLabel(title, m, l, h)}
        />
        <span className="gate-numbers">
          {m}{' '}
          <span className="quiet">
            [{l}, {h}]
          </span>
        </span>
        <Status tone={gate.passed ? 'good' : 'bad'}>
          {gate.passed ? c.model.passed : c.model.failed}
        </Status>
      </li>
    );
  };
  return (
    <Panel title={c.model.gates} text={gates.length ? c.model.gatesText : c.model.gatesNone}>
      <p className="verdict">{verdictText(manifest, c, locale)}</p>
      {gates.length > 0 && <ul className="gates">{gates.map(row)}</ul>}
    </Panel>
  );
}

function Parameters({ model, live }: { model: ModelVersion; live: ModelVersion | undefined }) {
  const c = useTexts();
  const { locale } = useSettings();
  const other = live && live.version !== model.version ? live : undefined;
  const rows = compareParameters(model.manifest, other?.manifest);
  const differing = rows.filter((row) => row.differs).length;
  const value = (n: number | null) => (n === null ? '–' : formatNumber(n, locale));
  if (rows.length === 0) return null;
  return (
    <Panel
      title={c.model.parameters}
      text={other ? (differing ? c.model.changed(differing) : c.model.same) : undefined}
      actions={
        <ButtonLink
          to={`${pageUrl('training')}?${new URLSearchParams(
            Object.entries(model.manifest?.parameters ?? {}).map(([k, v]) => [k, String(v)]),
          ).toString()}`}
        >
          {c.model.again}
        </ButtonLink>
      }
    >
      <Table label={c.model.parameters}>
        <thead>
          <tr>
            <th scope="col">{c.model.parameter}</th>
            <th scope="col" className="number">
              {c.model.here}
            </th>
            {other && (
              <th scope="col" className="number">
                {c.model.live}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name} data-differs={row.differs || undefined}>
              <th scope="row" className="code">
                {row.name}
              </th>
              <td className="number">{value(row.here)}</td>
              {other && <td className="number">{value(row.live)}</td>}
            </tr>
          ))}
        </tbody>
      </Table>
    </Panel>
  );
}

function Data({ manifest }: { manifest: Manifest | null }) {
  const c = useTexts();
  const { locale, number } = useSettings();
  const { at } = useTimes();
  const data = manifest?.data ?? {};
  const facts: [string, ReactNode][] = [];
  if (data.acts !== undefined) facts.push([c.model.acts, number(data.acts)]);
  if (data.products !== undefined) facts.push([c.model.products, number(data.products)]);
  if (data.shoppers !== undefined) facts.push([c.model.shoppersData, number(data.shoppers)]);
  if (data.from) facts.push([c.model.from, at(data.from)]);
  if (data.to) facts.push([c.model.to, at(data.to)]);
  for (const [name, file] of Object.entries(manifest?.files ?? {})) {
    facts.push([name, formatBytes(file.bytes, locale)]);
  }
  return (
    <Panel title={c.model.data}>
      <Facts facts={facts} />
    </Panel>
  );
}

function Version(props: {
  models: ModelVersion[];
  family: string;
  version: string;
  changed: () => void;
}) {
  const c = useTexts();
  const { at } = useTimes();
  const model = props.models.find((m) => m.family === props.family && m.version === props.version);
  const live = liveVersion(props.models, props.family);
  if (!model) {
    return (
      <Page title={c.model.title(props.version)}>
        <EmptyState icon="search" title={c.model.missing} text={c.model.missingText}>
          <ButtonLink to={pageUrl('models')} look="primary">
            {c.model.back}
          </ButtonLink>
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title={c.model.title(model.version)}
      actions={
        <>
          <ButtonLink to={pageUrl('models')}>{c.model.back}</ButtonLink>
          <PublishButton model={model} live={live} changed={props.changed} primary />
        </>
      }
    >
      <p className="under-head">
        <ModelStatus model={model} /> {at(model.manifest?.trained_at ?? model.created_at)}
      </p>
      <div className="panels two">
        <div className="wide">
          <Gates manifest={model.manifest} />
        </div>
        <div className="wide">
          <Metrics model={model} live={live} />
        </div>
        <Parameters model={model} live={live} />
        <Data manifest={model.manifest} />
      </div>
    </Page>
  );
}

export default function ModelPage({ family, version }: { family: string; version: string }) {
  const c = useTexts();
  const { api } = useConsole();
  const live = useLive('models', async (signal) => (await api.models(signal)).items, 5000);
  if (live.data === null) {
    return (
      <Page title={c.model.title(version)}>
        <Shown live={live}>{() => null}</Shown>
      </Page>
    );
  }
  return (
    <Shown live={live}>
      {(models) => (
        <Version models={models} family={family} version={version} changed={live.reload} />
      )}
    </Shown>
  );
}
