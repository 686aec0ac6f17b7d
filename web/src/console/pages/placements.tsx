import { useState } from 'react';
import { ApiError } from '../../api/client';
import { navigate, useLocation } from '../../lib/router';
import { queryString } from '../../api/client';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Field, Select } from '../../ui/forms';
import { useLive } from '../lib/live';
import {
  contextOf,
  lacking,
  LIMITS,
  PLACEMENTS,
  previewQuery,
  readPreview,
  writePreview,
  type Preview,
} from '../lib/preview';
import { CopyButton } from '../parts/copy';
import { Explained } from '../parts/explain';
import { ExploringLine } from '../parts/experiment';
import { Nothing, Page, Panel, Shown, Status } from '../parts/page';
import { ProductPicker, ShopperPicker } from '../parts/pickers';
import { Lacking, Shelf } from '../parts/shelf';
import { pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

function Results(props: { preview: Preview; lang: string | undefined; optedOut: boolean }) {
  const { preview, lang } = props;
  const [why, setWhy] = useState(false);
  const c = useTexts();
  const { api } = useConsole();
  const query = previewQuery(preview, lang);
  const path = query && `/v1/recommendations${queryString({ ...query })}`;
  const live = useLive(path, (signal) => api.preview(query!, signal), 0);
  if (!query) {
    return <Lacking what={lacking(preview)} />;
  }
  const request = `curl -H "Authorization: Bearer $KEY" '${location.origin}${path!.replaceAll("'", '%27')}'`;
  return (
    <>
      <Shown live={live}>
        {(list) => (
          <>
            <p className="preview-facts" role="status">
              <Status tone={list.personal ? 'good' : 'plain'}>
                {list.personal ? c.placements.personal : c.placements.notPersonal}
              </Status>
              <span>{c.placements.results(list.items.length)}</span>
              {Object.values(list.models).map((version) => (
                <span key={version} className="quiet">
                  {c.placements.model(version)}
                </span>
              ))}
              {props.optedOut && <span>{c.placements.asOptedOut}</span>}
              <Button onClick={live.reload}>{c.placements.refresh}</Button>
            </p>
            {list.items.length === 0 ? (
              <Nothing title={c.placements.empty} text={c.placements.emptyText} />
            ) : (
              <Shelf items={list.items} />
            )}
          </>
        )}
      </Shown>
      <ExploringLine placement={preview.placement} />
      <details className="request" onToggle={(event) => setWhy(event.currentTarget.open)}>
        <summary>{c.explain.title}</summary>
        {why && <Explained query={query} lang={lang} />}
      </details>
      <details className="request">
        <summary>{c.placements.request}</summary>
        <pre className="code">{request}</pre>
        <CopyButton text={request} />
      </details>
    </>
  );
}

export default function PlacementsPage() {
  const c = useTexts();
  const { lang } = useSettings();
  const { api, shop } = useConsole();
  const { search } = useLocation();
  const preview = readPreview(search);
  const shown = preview.lang || (shop.languages.includes(lang) ? lang : undefined);
  const [filter, setFilter] = useState(preview.filter);
  const set = (change: Partial<Preview>) =>
    navigate(pageUrl('placements') + writePreview({ ...preview, ...change }), { replace: true });
  const context = contextOf(preview.placement);
  const shopper = useLive(
    preview.shopper ? `shopper/${preview.shopper}` : null,
    (signal) => api.shopper(preview.shopper, signal),
    0,
  );
  const unknown = shopper.error instanceof ApiError && shopper.error.status === 404;

  return (
    <Page title={c.placements.title} text={c.placements.text}>
      <div className="beside">
        <Panel className="controls">
          <Select
            label={c.placements.placement}
            name="placement"
            value={preview.placement}
            onChange={(event) => set({ placement: event.target.value as Preview['placement'] })}
          >
            {PLACEMENTS.map((name) => (
              <option key={name} value={name}>
                {c.placements.names[name] ?? name}
              </option>
            ))}
          </Select>
          <ShopperPicker
            value={preview.shopper}
            error={unknown ? c.placements.shopperUnknown : undefined}
            onChange={(id) => set({ shopper: id })}
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
          <div className="pair">
            <Select
              label={c.placements.language}
              name="lang"
              value={shown ?? ''}
              onChange={(event) => set({ lang: event.target.value })}
            >
              {shown === undefined && <option value="">–</option>}
              {shop.languages.map((code) => (
                <option key={code} value={code}>
                  {code}
                </option>
              ))}
            </Select>
            <Select
              label={c.placements.limit}
              name="limit"
              value={preview.limit}
              onChange={(event) => set({ limit: Number(event.target.value) })}
            >
              {LIMITS.map((n) => (
                <option key={n}>{n}</option>
              ))}
            </Select>
          </div>
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
          <label className="check">
            <input
              type="checkbox"
              checked={preview.hideSeen}
              onChange={(event) => set({ hideSeen: event.target.checked })}
            />
            <span className="check-label">{c.placements.hideSeen}</span>
          </label>
        </Panel>
        <Panel title={c.placements.names[preview.placement] ?? preview.placement}>
          <Results preview={preview} lang={shown} optedOut={shopper.data?.personalise === false} />
        </Panel>
      </div>
    </Page>
  );
}
