/* shelf.tsx - a list as a placement shows it, with what a shopper does not see: score and id. */
import type { ReactNode } from 'react';
import type { RecommendedCard } from '../../api/types';
import { productUrl } from '../../lib/router';
import { useSettings } from '../../state/settings';
import { Picture, Price } from '../../ui/product-bits';
import { ReasonLine } from '../../ui/reason';
import type { lacking } from '../lib/preview';
import { useTexts } from '../texts';
import { ShareBar } from './chart';
import { Nothing } from './page';

/** Why there is no list to show: something that the placement needs is missing. */
export function Lacking({ what }: { what: ReturnType<typeof lacking> }) {
  const { placements: p } = useTexts();
  if (what === 'product') return <Nothing title={p.needsProduct} text={p.needsProductText} />;
  if (what === 'filter') return <Nothing title={p.needsFilter} text={p.needsFilterText} />;
  return <Nothing title={p.needsCart} text={p.needsCartText} />;
}

/** note: what else is to be said of a product. */
export function Shelf(props: {
  items: RecommendedCard[];
  note?: (item: RecommendedCard, place: number) => ReactNode;
}) {
  const { items, note } = props;
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
            {note?.(item, i)}
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
