import type { Reason } from '../api/types';
import { useSettings } from '../state/settings';
import { Icon, type IconName } from './icon';

const REASON_ICONS: Record<string, IconName> = {
  because_you_viewed: 'eye',
  because_you_bought: 'check',
  because_in_cart: 'cart',
  similar_to_this: 'link',
  bought_with_this: 'link',
  popular_now: 'trend',
  new_arrival: 'spark',
  fits_your_taste: 'spark',
  picked_by_the_shop: 'spark',
  viewed_after_this: 'eye',
  comes_after: 'link',
  similar_to: 'link',
  same_visit: 'eye',
  bought_before: 'check',
  due_again: 'check',
};

/** Why a product is in a list, in words. */
export function ReasonLine({ reason }: { reason: Reason }) {
  const { t } = useSettings();
  const text = reason.text || t.reasons[reason.code];
  if (!text) return null;
  return (
    <p className="reason">
      <Icon name={REASON_ICONS[reason.code] ?? 'spark'} />
      <span>{text}</span>
    </p>
  );
}
