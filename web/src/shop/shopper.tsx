/* shopper.tsx - who is shopping, and in the demonstration shop the switch to somebody else. */
import { useState } from 'react';
import { getDemoShoppers } from '../api/client';
import type { DemoShopper } from '../api/types';
import { errorText } from '../lib/error-text';
import { navigate } from '../lib/router';
import { localText } from '../lib/texts';
import { useResource } from '../lib/use-resource';
import { useNotices } from '../state/notices';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Drawer } from '../ui/drawer';
import { Icon } from '../ui/icon';
import { Link } from '../ui/link';
import { ErrorState, Skeleton } from '../ui/states';

const OFFERED = 24;

export function useShopperName(): string {
  const { t, lang } = useSettings();
  const { identity } = useSession();
  const { shopper } = identity;
  return shopper ? localText(shopper.name, lang) || shopper.userId : t.shopper.guest;
}

/** A round sign with the first letter of a name; guests have a figure. */
function Avatar({ name }: { name: string | null }) {
  return (
    <span className="avatar" aria-hidden="true">
      {name ? [...name][0] : <Icon name="user" />}
    </span>
  );
}

function Choices({ onDone }: { onDone: () => void }) {
  const { t, lang } = useSettings();
  const { identity, switchTo } = useSession();
  const { toast } = useNotices();
  const [busy, setBusy] = useState<string | null>(null);
  const shoppers = useResource('shoppers', (signal) => getDemoShoppers(OFFERED, signal));
  const current = identity.shopper?.userId ?? '';

  const choose = async (shopper: DemoShopper | null) => {
    setBusy(shopper?.id ?? '');
    try {
      await switchTo(shopper);
      const name = shopper ? localText(shopper.name, lang) : t.shopper.guest;
      toast(t.shopper.switched(name));
      onDone();
      navigate('/');
    } catch (error) {
      toast(`${t.shopper.failed}: ${errorText(error, t)}`, { tone: 'bad' });
    } finally {
      setBusy(null);
    }
  };

  const choice = (id: string, name: string, text: string, shopper: DemoShopper | null) => (
    <li key={id}>
      <button
        type="button"
        className="shopper"
        aria-current={current === id ? 'true' : undefined}
        disabled={busy !== null}
        onClick={() => (current === id ? onDone() : void choose(shopper))}
      >
        <Avatar name={shopper && name} />
        <span>
          <strong>{name}</strong>
          <span className="quiet">{text}</span>
        </span>
        {current === id && <span className="tag">{t.shopper.current}</span>}
      </button>
    </li>
  );

  return (
    <>
      <p className="quiet">{t.shopper.text}</p>
      <ul className="shoppers">
        {choice('', t.shopper.guest, t.shopper.guestText, null)}
        {shoppers.data?.items.map((shopper) =>
          choice(
            shopper.id,
            localText(shopper.name, lang),
            localText(shopper.taste, lang),
            shopper,
          ),
        )}
        {shoppers.loading && <Skeleton shape="block" />}
      </ul>
      {shoppers.error !== null && <ErrorState error={shoppers.error} retry={shoppers.reload} />}
    </>
  );
}

export function ShopperButton() {
  const { t } = useSettings();
  const { shop, identity } = useSession();
  const [open, setOpen] = useState(false);
  const name = useShopperName();
  const close = () => setOpen(false);
  return (
    <>
      <button
        type="button"
        className="shopper-button"
        aria-label={shop.demo ? t.shopper.open(name) : t.shopper.account}
        onClick={() => setOpen(true)}
      >
        <Avatar name={identity.shopper && name} />
        <span className="shopper-name">{name}</span>
      </button>
      <Drawer open={open} onClose={close} title={shop.demo ? t.shopper.title : name}>
        <nav className="shopper-links" aria-label={t.shopper.account}>
          <Link to="/orders" onClick={close}>
            <Icon name="box" />
            {t.shopper.orders}
          </Link>
          <Link to="/account" onClick={close}>
            <Icon name="user" />
            {t.shopper.account}
          </Link>
        </nav>
        {shop.demo && <Choices onDone={close} />}
      </Drawer>
    </>
  );
}
