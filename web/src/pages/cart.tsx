import { useState } from 'react';
import type { CartLine } from '../api/types';
import { productUrl } from '../lib/router';
import { Rows } from '../shop/shelf';
import { usePageTitle } from '../shop/page';
import { Totals } from '../shop/totals';
import { useCart } from '../state/cart';
import { useSettings } from '../state/settings';
import { ButtonLink, IconButton } from '../ui/button';
import { Quantity } from '../ui/forms';
import { Icon } from '../ui/icon';
import { Link } from '../ui/link';
import { Picture } from '../ui/product-bits';
import { EmptyState, ErrorState, Skeleton } from '../ui/states';

function Line({ line }: { line: CartLine }) {
  const { t, money } = useSettings();
  const { setQuantity, remove } = useCart();
  const [busy, setBusy] = useState(false);
  const { product, quantity, amount, available } = line;
  const change = async (next: number) => {
    setBusy(true);
    await setQuantity(line, next);
    setBusy(false);
  };
  return (
    <li className="line" data-unavailable={available ? undefined : ''}>
      <Picture src={product.image} />
      <div className="line-text">
        <Link to={productUrl(product.id)}>{product.title}</Link>
        {product.price !== null && (
          <p className="quiet">{t.cart.each(money(product.price, product.currency))}</p>
        )}
        {!available && <p className="field-error">{t.cart.unavailable}</p>}
      </div>
      <Quantity
        label={t.cart.quantityOf(product.title)}
        value={quantity}
        disabled={busy}
        onChange={(next) => void change(next)}
      />
      <p className="line-amount">{amount === null ? '–' : money(amount, product.currency)}</p>
      <IconButton
        className="line-remove"
        label={t.cart.removeTitle(product.title)}
        onClick={() => void remove(line)}
      >
        <Icon name="trash" />
      </IconButton>
    </li>
  );
}

export default function CartPage() {
  const { t } = useSettings();
  const { cart, error, reload } = useCart();
  usePageTitle(t.cart.title);
  if (error !== null && !cart) return <ErrorState error={error} retry={reload} heading={1} />;
  if (!cart) {
    return (
      <div aria-busy="true">
        <h1>{t.cart.title}</h1>
        <Skeleton shape="block" />
        <Skeleton shape="block" />
      </div>
    );
  }
  if (cart.lines.length === 0) {
    return (
      <>
        <EmptyState icon="cart" heading={1} title={t.cart.empty} text={t.cart.emptyText}>
          <ButtonLink to="/" look="primary">
            {t.orders.again}
          </ButtonLink>
        </EmptyState>
        <Rows query={{ page: 'home', rows: 2 }} />
      </>
    );
  }
  return (
    <>
      <h1>{t.cart.title}</h1>
      <div className="with-summary">
        <ul className="lines">
          {cart.lines.map((line) => (
            <Line key={line.product.id} line={line} />
          ))}
        </ul>
        <Totals cart={cart}>
          <ButtonLink to="/checkout" look="primary">
            {t.cart.checkout}
          </ButtonLink>
        </Totals>
      </div>
      <Rows query={{ page: 'cart', product_ids: cart.lines.map((line) => line.product.id) }} />
    </>
  );
}
