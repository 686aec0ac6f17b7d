import { useState } from 'react';
import { ApiError } from '../../api/client';
import type { RecommendedCard } from '../../api/types';
import { navigate, useLocation } from '../../lib/router';
import { useSettings } from '../../state/settings';
import { Field, Select } from '../../ui/forms';
import { Link } from '../../ui/link';
import type { Experiment } from '../api';
import { useLive } from '../lib/live';
import {
  contextOf,
  lacking,
  PLACEMENTS,
  previewQuery,
  readPreview,
  writePreview,
  type Preview,
} from '../lib/preview';
import { Nothing, Page, Panel, Shown } from '../parts/page';
import { ProductPicker, ShopperPicker } from '../parts/pickers';
import { Lacking, Shelf } from '../parts/shelf';
import { experimentUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

/** A list, and of each product whether the other has it, and where. */
function List({ items, other }: { items: RecommendedCard[]; other: RecommendedCard[] }) {
  const c = useTexts();
  const x = c.experiments;
  if (items.length === 0) return <Nothing title={c.placements.empty} />;
  return (
    <Shelf
      items={items}
      note={({ id }, place) => {
        const there = other.findIndex((item) => item.id === id);
        if (there === place) return null;
        return (
          <p className="preview-note">
            {there < 0 ? <strong>{x.onlyHere}</strong> : x.moved(there + 1)}
          </p>
        );
      }}
    />
  );
}

function Sides(props: { experiment: Experiment; preview: Preview; lang: string | undefined }) {
  const { experiment, preview, lang } = props;
  const { experiments: x } = useTexts();
  const { api } = useConsole();
  const names = experiment.definition.variants.map(({ name }) => name);
  const [chosen, setChosen] = useState([names[0]!, names[1] ?? names[0]!]);
  const query = previewQuery(preview, lang);
  const live = useLive(
    query && JSON.stringify([query, chosen]),
    (signal) =>
      Promise.all(
        chosen.map((variant) => api.previewVariant(query!, experiment.id, variant, signal)),
      ),
    0,
  );
  if (!query) return <Lacking what={lacking(preview)} />;
  return (
    <>
      <div className="pair">
        {[x.left, x.right].map((label, side) => (
          <Select
            key={label}
            label={label}
            name={side ? 'right' : 'left'}
            value={chosen[side]}
            onChange={(event) =>
              setChosen(chosen.map((name, i) => (i === side ? event.target.value : name)))
            }
          >
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        ))}
      </div>
      <Shown live={live}>
        {([left, right]) => {
          const there = new Set(right!.items.map(({ id }) => id));
          const differ = left!.items.filter(({ id }) => !there.has(id)).length;
          const same = left!.items.every(({ id }, i) => right!.items[i]?.id === id);
          return (
            <>
              <p role="status" className="preview-facts">
                {same && left!.items.length === right!.items.length ? x.same : x.differ(differ)}
              </p>
              <div className="sides">
                {[left!, right!].map((list, side) => (
                  <section key={side} aria-label={`${side ? x.right : x.left}: ${chosen[side]}`}>
                    <h3>{chosen[side]}</h3>
                    <List items={list.items} other={(side ? left! : right!).items} />
                  </section>
                ))}
              </div>
            </>
          );
        }}
      </Shown>
    </>
  );
}

export default function ExperimentPreviewPage({ id }: { id: string }) {
  const c = useTexts();
  const x = c.experiments;
  const { lang } = useSettings();
  const { api, shop } = useConsole();
  const { search } = useLocation();
  const live = useLive(`experiment/${id}`, (signal) => api.experiment(id, signal), 0);
  const asked = readPreview(search);
  const placements = PLACEMENTS.filter((name) => live.data?.definition.placements.includes(name));
  /* The first in which it takes place, unless the address names one. */
  const preview =
    new URLSearchParams(search).has('placement') || !placements[0]
      ? asked
      : { ...asked, placement: placements[0] };
  const [filter, setFilter] = useState(asked.filter);
  const shown = shop.languages.includes(lang) ? lang : undefined;
  const set = (change: Partial<Preview>) => {
    const next = { ...preview, ...change };
    const address = writePreview(next);
    const named = address.includes('placement=')
      ? address
      : `?placement=${next.placement}${address.replace('?', '&')}`;
    navigate(experimentUrl(id, 'preview') + named, { replace: true });
  };
  const shopper = useLive(
    preview.shopper ? `shopper/${preview.shopper}` : null,
    (signal) => api.shopper(preview.shopper, signal),
    0,
  );
  const unknown = shopper.error instanceof ApiError && shopper.error.status === 404;
  const context = contextOf(preview.placement);
  return (
    <Page title={x.previewTitle(id)} text={x.previewText}>
      <p className="under-head">
        <Link to={experimentUrl(id)}>{id}</Link>
      </p>
      <Shown live={live}>
        {(experiment) => (
          <div className="beside">
            <Panel className="controls">
              <Select
                label={c.placements.placement}
                name="placement"
                value={preview.placement}
                onChange={(event) => set({ placement: event.target.value as Preview['placement'] })}
              >
                {placements.map((name) => (
                  <option key={name} value={name}>
                    {c.placements.names[name] ?? name}
                  </option>
                ))}
              </Select>
              <ShopperPicker
                value={preview.shopper}
                error={unknown ? c.placements.shopperUnknown : undefined}
                onChange={(next) => set({ shopper: next })}
              />
              {context !== 'none' && (
                <ProductPicker
                  label={context === 'one' ? c.placements.product : c.placements.products}
                  value={context === 'one' ? preview.products.slice(0, 1) : preview.products}
                  single={context === 'one'}
                  lang={shown}
                  onChange={(products) => set({ products })}
                />
              )}
              <Field
                label={c.placements.filter}
                hint={c.placements.filterHint}
                name="filter"
                spellCheck={false}
                autoComplete="off"
                value={filter}
                onChange={(event) => setFilter(event.target.value)}
                onBlur={() => filter !== preview.filter && set({ filter })}
                onKeyDown={(event) => event.key === 'Enter' && set({ filter })}
              />
            </Panel>
            <Panel title={c.placements.names[preview.placement] ?? preview.placement}>
              <Sides experiment={experiment} preview={preview} lang={shown} />
            </Panel>
          </div>
        )}
      </Shown>
    </Page>
  );
}
