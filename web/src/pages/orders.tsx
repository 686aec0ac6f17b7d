import { useState } from 'react';
import { isAbort } from '../api/client';
import type { Order } from '../api/types';
import { errorText } from '../lib/error-text';
import { orderUrl } from '../lib/router';
import { useResource } from '../lib/use-resource';
import { OrderStatus } from '../shop/order-status';
import { usePageTitle } from '../shop/page';
import { useNotices } from '../state/notices';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Button, ButtonLink } from '../ui/button';
import { Link } from '../ui/link';
import { Picture } from '../ui/product-bits';
import { EmptyState, ErrorState, Skeleton } from '../ui/states';

const SHOWN_PICTURES = 4;

function OrderRow({ order }: { order: Order }) {
  const { t, date, money } = useSettings();
  const { api } = useSession();
  /* The list names no products; the pictures come when they come. */
  const whole = useResource(`order/${api.scope}/${order.id}`, (signal) =>
    api.order(order.id, signal),
  );
  const pictures = whole.data?.lines?.slice(0, SHOWN_PICTURES) ?? [];
  return (
    <li className="order-row">
      <div>
        <h2>
          <Link to={orderUrl(order.id)} aria-label={t.orders.open(order.id)}>
            {date(order.placed_at)}
          </Link>
        </h2>
        <p className="quiet code">{order.id}</p>
      </div>
      <ul className="order-pictures" aria-hidden="true">
        {pictures.map((line, i) => (
          <li key={i}>
            <Picture src={line.product.image} />
          </li>
        ))}
      </ul>
      <OrderStatus status={order.status} />
      <p className="line-amount">{money(order.total, order.currency)}</p>
    </li>
  );
}

export default function OrdersPage() {
  const { t } = useSettings();
  const { api } = useSession();
  const { toast } = useNotices();
  const first = useResource(`orders/${api.scope}`, (signal) => api.orders(undefined, signal));
  const [older, setOlder] = useState<{ of: unknown; items: Order[]; cursor?: string } | null>(null);
  const [busy, setBusy] = useState(false);
  usePageTitle(t.orders.title);

  if (first.error !== null) {
    return <ErrorState error={first.error} retry={first.reload} heading={1} />;
  }
  if (first.data?.items.length === 0) {
    return (
      <EmptyState icon="box" heading={1} title={t.orders.empty} text={t.orders.emptyText}>
        <ButtonLink to="/" look="primary">
          {t.orders.again}
        </ButtonLink>
      </EmptyState>
    );
  }

  const more = older?.of === first.data ? older : null;
  const items = [...(first.data?.items ?? []), ...(more?.items ?? [])];
  const cursor = more ? more.cursor : first.data?.next_cursor;
  const loadMore = async () => {
    setBusy(true);
    try {
      const page = await api.orders(cursor);
      setOlder({
        of: first.data,
        items: [...(more?.items ?? []), ...page.items],
        cursor: page.next_cursor,
      });
    } catch (error) {
      if (!isAbort(error)) toast(errorText(error, t), { tone: 'bad' });
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <h1>{t.orders.title}</h1>
      <ul className="orders" aria-busy={first.loading}>
        {first.loading && <Skeleton shape="block" />}
        {items.map((order) => (
          <OrderRow key={order.id} order={order} />
        ))}
      </ul>
      {cursor && (
        <Button busy={busy} onClick={() => void loadMore()}>
          {t.orders.more}
        </Button>
      )}
    </>
  );
}
