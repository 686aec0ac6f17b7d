import { ApiError } from '../api/client';
import type { Address, OrderLine } from '../api/types';
import { productUrl, useLocation } from '../lib/router';
import { useResource } from '../lib/use-resource';
import { OrderStatus } from '../shop/order-status';
import { usePageTitle } from '../shop/page';
import { Rows } from '../shop/shelf';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { ButtonLink } from '../ui/button';
import { Icon } from '../ui/icon';
import { Link } from '../ui/link';
import { Picture } from '../ui/product-bits';
import { EmptyState, ErrorState, Skeleton } from '../ui/states';

/** So many products of an order say what comes next: the server takes no more. */
const CONTEXT_MAX = 50;

function OrderLineView({ line, currency }: { line: OrderLine; currency: string }) {
  const { t, money } = useSettings();
  const { product, quantity, discount, amount, kind } = line;
  return (
    <li className="line">
      <Picture src={product.image} />
      <div className="line-text">
        <Link to={productUrl(product.id)}>{product.title}</Link>
        <p className="quiet">
          {t.orders.quantity(quantity)} · {t.cart.each(money(line.unit_price, currency))}
        </p>
        {!!discount && (
          <p className="quiet">
            {t.orders.discount}: {money(discount, currency)}
          </p>
        )}
        {kind === 'return' && <span className="tag">{t.orders.returned}</span>}
      </div>
      <p className="line-amount">{money(amount, currency)}</p>
    </li>
  );
}

function AddressBlock({ address }: { address: Partial<Address> }) {
  const { t, lang } = useSettings();
  const { name, phone, country, region, city, street, postcode } = address;
  const names = new Intl.DisplayNames([lang], { type: 'region', fallback: 'code' });
  const known = country && /^[A-Z]{2}$/.test(country) ? names.of(country) : country;
  const lines = [
    name,
    street,
    [postcode, city].filter(Boolean).join(' '),
    [region, known].filter(Boolean).join(', '),
    phone,
  ];
  return (
    <section className="summary" aria-labelledby="address">
      <h2 id="address">{t.orders.address}</h2>
      <address>
        {lines.filter(Boolean).map((line, i) => (
          <span key={i}>{line}</span>
        ))}
      </address>
    </section>
  );
}

function History({ times }: { times: Record<string, string> }) {
  const { t, date } = useSettings();
  const steps = Object.entries(times)
    .map(([name, time]) => ({ status: name.replace(/_at$/, ''), time }))
    .filter(({ time }) => time)
    .sort((a, b) => (a.time < b.time ? -1 : 1));
  return (
    <section className="summary" aria-labelledby="history">
      <h2 id="history">{t.orders.history}</h2>
      <ol className="history">
        {steps.map(({ status, time }) => (
          <li key={status}>
            <strong>{t.orders.statuses[status] ?? status}</strong>
            <time dateTime={time}>{date(time, true)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}

export default function OrderPage({ id }: { id: string }) {
  const { t, date, money } = useSettings();
  const { api } = useSession();
  const { origin } = useLocation();
  const resource = useResource(`order/${api.scope}/${id}`, (signal) => api.order(id, signal));
  const order = resource.data;
  usePageTitle(t.orders.order(id));

  if (resource.error instanceof ApiError && [403, 404].includes(resource.error.status)) {
    return (
      <EmptyState icon="box" heading={1} title={t.orders.missing} text={t.orders.missingText}>
        <ButtonLink to="/orders">{t.orders.title}</ButtonLink>
      </EmptyState>
    );
  }
  if (resource.error !== null) {
    return <ErrorState error={resource.error} retry={resource.reload} heading={1} />;
  }
  if (!order) return <Skeleton shape="block" />;
  return (
    <>
      {origin.placed && (
        <div className="thanks" role="status">
          <span className="state-mark">
            <Icon name="check" />
          </span>
          <div>
            <p className="thanks-title">{t.orders.thanks}</p>
            <p>{t.orders.thanksText}</p>
          </div>
        </div>
      )}
      <header className="order-head">
        <div>
          <h1>{t.orders.order(order.id)}</h1>
          <p className="quiet">{t.orders.placed(date(order.placed_at, true))}</p>
        </div>
        <OrderStatus status={order.status} />
      </header>
      <div className="with-summary">
        <section aria-label={t.orders.lines}>
          <ul className="lines">
            {order.lines?.map((line, i) => (
              <OrderLineView key={i} line={line} currency={order.currency} />
            ))}
          </ul>
          <p className="order-total">
            <span>{t.orders.total}</span>
            <strong>{money(order.total, order.currency)}</strong>
          </p>
        </section>
        <div className="stack">
          {order.address && <AddressBlock address={order.address} />}
          <History times={{ placed_at: order.placed_at, ...order.times }} />
        </div>
      </div>
      <Rows
        query={{
          page: 'order',
          product_ids: order.lines?.slice(0, CONTEXT_MAX).map((line) => line.product.id),
        }}
      />
    </>
  );
}
