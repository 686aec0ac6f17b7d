import { useState } from 'react';
import { ApiError } from '../../api/client';
import type { RecommendedCard } from '../../api/types';
import { navigate, productUrl, useLocation } from '../../lib/router';
import { queryString } from '../../api/client';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Field, Select } from '../../ui/forms';
import { Picture, Price } from '../../ui/product-bits';
import { ReasonLine } from '../../ui/reason';
import { useLive } from '../lib/live';
import {
  contextOf,
  LIMITS,
  PLACEMENTS,
  previewQuery,
  readPreview,
  writePreview,
  type Preview,
} from '../lib/preview';
import { ShareBar } from '../parts/chart';
import { CopyButton } from '../parts/copy';
import { Explained } from '../parts/explain';
import { Nothing, Page, Panel, Shown, Status } from '../parts/page';
import { ProductPicker, ShopperPicker } from '../parts/pickers';
import { pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

function Shelf({ items }: { items: RecommendedCard[] }) {
  const c = useTexts();
  const { number } = useSettings();
  const best = Math.max(...items.map((item) => item.score), 0);
  return (
    <ol className="preview">
      {items.map((item, i) => (
        <li key={item.id} data-product={item.id}>
          <span className="preview-rank" aria-hidden="true">
            {i + 1}
          </span>
          <Picture src={item.image} />
          <div className="preview-text">
            <a href={productUrl(item.id)} target="_blank" rel="noreferrer">
              {item.title}
            </a>
            <p className="quiet code">{item.id}</p>
            <p>
              <Price price={item.price} listPrice={item.list_price} currency={item.currency} />
            </p>
            {item.reason && <ReasonLine reason={item.reason} />}
            {item.reason?.product_id && (
              <p className="quiet">
                {c.placements.because} <span className="code">{item.reason.product_id}</span>
              </p>
            )}
          </div>
          <p className="preview-score">
            <span className="sr-only">{c.placements.score} </span>
            {number(item.score, 3)}
            <ShareBar share={best > 0 ? item.score / best : 0} />
          </p>
        </li>
      ))}
    </ol>
  );
}

function Results(props: { preview: Preview; lang: string | undefined; optedOut: boolean }) {
  const { preview, lang } = props;
  const [why, setWhy] = useState(false);
  const c = useTexts();
  const { api } = useConsole();
  const query = previewQuery(preview, lang);
  const path = query && `/v1/recommendations${queryString({ ...query })}`;
  const live = useLive(path, (signal) => api.preview(query!, signal), 0);
  if (!query) {
    const one = contextOf(preview.placement) === 'one';
    return (
      <Nothing
        title={one ? c.placements.needsProduct : c.placements.needsCart}
        text={one ? c.placements.needsProductText : c.placements.needsCartText}
      />
    );
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
