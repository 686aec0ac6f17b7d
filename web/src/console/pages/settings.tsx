import { useSettings } from '../../state/settings';
import type { Settings, Weights } from '../api';
import { useLive } from '../lib/live';
import { weightDigits, weightLabel } from '../lib/weights';
import { CopyButton } from '../parts/copy';
import { Page, Panel, Shown, Status, Table } from '../parts/page';
import { useConsole } from '../session';
import { useTexts } from '../texts';

const MEASURE = 'aisle eval lists --data DIR --placement home --weights home.trending=0.3';

function Values({ settings }: { settings: Settings['settings'] }) {
  const c = useTexts();
  const s = c.settings;
  return (
    <Table stacked label={s.values}>
      <thead>
        <tr>
          <th scope="col">{s.name}</th>
          <th scope="col">{s.value}</th>
          <th scope="col">{s.origin}</th>
        </tr>
      </thead>
      <tbody>
        {settings.map((one) => {
          const name = `${one.section}.${one.name}`;
          const own = one.origin !== 'default';
          return (
            <tr key={name} data-setting={name}>
              <th scope="row" className="code">
                {name}
              </th>
              <td className="code wrap" data-label={s.value}>
                {one.value || <span className="quiet">{s.empty}</span>}
                {own && one.value !== one.default && (
                  <span className="interval-text">{s.default(one.default || s.empty)}</span>
                )}
              </td>
              <td data-label={s.origin}>
                <Status tone={own ? 'busy' : 'plain'}>{s.origins[one.origin]}</Status>
                {own && <span className="interval-text code">{one.where}</span>}
              </td>
            </tr>
          );
        })}
      </tbody>
    </Table>
  );
}

function WeightsTable({ weights, defaults }: { weights: Weights; defaults: Weights }) {
  const c = useTexts();
  const { number } = useSettings();
  const placements = Object.keys(weights);
  /* What no placement asks says nothing anywhere. */
  const sources = Object.keys(weights[placements[0]!] ?? {}).filter((source) =>
    placements.some((p) => weights[p]![source] || defaults[p]![source]),
  );
  return (
    <Table label={c.settings.weights}>
      <thead>
        <tr>
          <th scope="col">{c.settings.source}</th>
          {placements.map((placement) => (
            <th key={placement} scope="col" className="number head-wrap">
              {c.placements.names[placement] ?? placement}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sources.map((source) => (
          <tr key={source}>
            <th scope="row" className="wrap">
              {weightLabel(c, source)}
              <span className="interval-text code">{source}</span>
            </th>
            {placements.map((placement) => {
              const value = weights[placement]![source] ?? 0;
              const usual = defaults[placement]![source] ?? 0;
              return (
                <td
                  key={placement}
                  className="number"
                  data-weight={`${placement}.${source}`}
                  data-changed={value !== usual || undefined}
                >
                  {value === 0 ? (
                    <span className="quiet">0</span>
                  ) : (
                    number(value, weightDigits(source))
                  )}
                  {value !== usual && (
                    <span className="interval-text">
                      {c.settings.changed(number(usual, weightDigits(source)))}
                    </span>
                  )}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

export default function SettingsPage() {
  const c = useTexts();
  const s = c.settings;
  const { api } = useConsole();
  const live = useLive('settings', (signal) => api.settings(signal), 0);
  return (
    <Page title={s.title} text={s.text}>
      <Shown live={live}>
        {({ settings, weights, default_weights }) => (
          <>
            <Panel title={s.weights} text={s.weightsText}>
              <WeightsTable weights={weights} defaults={default_weights} />
              <p className="fine after">{s.try}</p>
              <pre className="code">{MEASURE}</pre>
              <CopyButton text={MEASURE} />
            </Panel>
            <Panel title={s.values} text={s.how}>
              <Values settings={settings} />
            </Panel>
          </>
        )}
      </Shown>
    </Page>
  );
}
