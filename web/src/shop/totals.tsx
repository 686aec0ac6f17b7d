import { useId, type ReactNode } from 'react';
import type { Cart } from '../api/types';
import { useSettings } from '../state/settings';

/** What the cart comes to, as the server counts it. */
export function Totals({ cart, children }: { cart: Cart; children: ReactNode }) {
  const { t, money } = useSettings();
  const id = useId();
  const count = cart.lines.reduce((sum, line) => sum + line.quantity, 0);
  const total = money(cart.total, cart.currency);
  return (
    <section className="summary" aria-labelledby={id}>
      <h2 id={id}>{t.checkout.summary}</h2>
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
      {children}
    </section>
  );
}
