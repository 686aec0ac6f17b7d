import { useSettings } from '../state/settings';

export function OrderStatus({ status }: { status: string }) {
  const { t } = useSettings();
  return (
    <span className="tag" data-status={status}>
      {t.orders.statuses[status] ?? status}
    </span>
  );
}
