import { useEffect, useRef } from 'react';
import type { Card, Reason } from '../api/types';
import { watchImpression } from '../events/impressions';
import { productUrl, type Origin } from '../lib/router';
import { useCart } from '../state/cart';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { IconButton } from '../ui/button';
import { Icon } from '../ui/icon';
import { Link } from '../ui/link';
import { Picture, Price, Rating } from '../ui/product-bits';
import { ReasonLine } from '../ui/reason';

/** A title in pieces of which those at odd places match the query. */
export function Highlighted({ pieces, text }: { pieces?: string[]; text: string }) {
  if (!pieces || pieces.length < 2) return text;
  return pieces.map((piece, i) => (i % 2 === 1 ? <mark key={i}>{piece}</mark> : piece));
}

interface ProductCardProps {
  card: Card;
  /** The list and the place in it, from 1: they go back with what the shopper does. */
  origin: Origin;
  reason?: Reason;
  titlePieces?: string[];
  eager?: boolean;
}

export function ProductCard({ card, origin, reason, titlePieces, eager }: ProductCardProps) {
  const { t } = useSettings();
  const { track } = useSession();
  const { add } = useCart();
  const ref = useRef<HTMLElement>(null);
  const { requestId, position } = origin;

  useEffect(() => {
    if (!ref.current || !requestId) return;
    return watchImpression(ref.current, () =>
      track('impression', { product_id: card.id, request_id: requestId, position }),
    );
  }, [track, card.id, requestId, position]);

  const details = { product_id: card.id, request_id: requestId, position };
  return (
    <article className="card" ref={ref} data-product={card.id}>
      <div className="card-picture">
        <Picture src={card.image} eager={eager} />
        {!card.in_stock && <span className="badge">{t.product.soldOut}</span>}
      </div>
      <div className="card-text">
        <p className="card-brand">
          <span>{card.brand}</span>
          <Rating rating={card.rating} />
        </p>
        <h3 className="card-title">
          <Link
            to={productUrl(card.id)}
            origin={origin}
            onClick={() => requestId && track('click', details)}
          >
            <Highlighted pieces={titlePieces} text={card.title} />
          </Link>
        </h3>
        <p className="card-price">
          <Price price={card.price} listPrice={card.list_price} currency={card.currency} />
        </p>
        {reason && <ReasonLine reason={reason} />}
      </div>
      {card.in_stock && card.price !== null && (
        <IconButton
          className="card-add"
          label={t.product.addTitle(card.title)}
          onClick={() => void add(card, 1, origin)}
        >
          <Icon name="plus" />
        </IconButton>
      )}
    </article>
  );
}
