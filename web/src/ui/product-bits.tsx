/* product-bits.tsx - the small parts that every view of a product is made of. */
import { useState } from 'react';
import type { RatingSummary } from '../api/types';
import { percentOff } from '../lib/money';
import { useSettings } from '../state/settings';
import { Icon } from './icon';

/** A square picture. Beside a title it is decoration and has no words of its own. */
export function Picture(props: { src: string | null | undefined; alt?: string; eager?: boolean }) {
  const [broken, setBroken] = useState<string | null>(null);
  const { src, alt = '' } = props;
  if (!src || broken === src) {
    return (
      <span
        className="picture picture-none"
        role={alt ? 'img' : undefined}
        aria-label={alt || undefined}
      >
        <Icon name="box" />
      </span>
    );
  }
  return (
    <img
      className="picture"
      src={src}
      alt={alt}
      width={480}
      height={480}
      loading={props.eager ? 'eager' : 'lazy'}
      decoding="async"
      onError={() => setBroken(src)}
    />
  );
}

export function Price(props: {
  price: number | null;
  listPrice?: number | null;
  currency: string;
  large?: boolean;
}) {
  const { t, money } = useSettings();
  const { price, listPrice = null, currency } = props;
  if (price === null) return <span className="price price-none">{t.product.noPrice}</span>;
  const off = percentOff(price, listPrice);
  return (
    <span className="price" data-large={props.large ? '' : undefined}>
      {off > 0 && <span className="sr-only">{t.product.nowPrice} </span>}
      <span className="price-now" data-sale={off > 0 ? '' : undefined}>
        {money(price, currency)}
      </span>
      {off > 0 && listPrice !== null && (
        <>
          <span className="sr-only"> {t.product.wasPrice} </span>
          <s className="price-was">{money(listPrice, currency)}</s>
          {props.large && <span className="price-off">{t.product.off(off)}</span>}
        </>
      )}
    </span>
  );
}

export function Rating({ rating }: { rating: RatingSummary | null }) {
  const { t, number } = useSettings();
  if (!rating || rating.count === 0) return null;
  const mean = number(rating.mean, 1);
  return (
    <span className="rating">
      <svg className="star" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        <path d="M12 3l2.7 5.8 6.3.8-4.6 4.3 1.2 6.2-5.6-3.1-5.6 3.1 1.2-6.2L3 9.6l6.3-.8z" />
      </svg>
      <span aria-hidden="true">
        {mean} <span className="rating-count">({number(rating.count)})</span>
      </span>
      <span className="sr-only">{t.product.rating(mean, rating.count)}</span>
    </span>
  );
}
