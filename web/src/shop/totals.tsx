import { useId, type ReactNode } from 'react';
import type { Cart } from '../api/types';
import { useSettings } from '../state/settings';

/** What the cart comes to, as the server counts it. */
export function Totals(props: { cart: Cart; lines?: ReactNode; children: ReactNode }) {
  const { t, money } = useSettings();
  const { cart } = props;
  const id = useId();
  const count = cart.lines.reduce((sum, line) => sum + line.quantity, 0);
  const total = money(cart.total, cart.currency);
  return (
    <section className="summary" aria-labelledby={id}>
      <h2 id={id}>{t.checkout.summary}</h2>
      {props.lines}
      <dl>
        <div>
          <dt>{t.cart.subtotal(count)}</dt>
          <dd>{total}</dd>
        </div>
        <div>
          <dt>{t.cart.delivery}</dt>
          <dd>{t.cart.free}</dd>
        </div>
        <div className="summary-total">
          <dt>{t.cart.total}</dt>
          <dd>{total}</dd>
        </div>
      </dl>
      {props.children}
    </section>
  );
}
