import { useState } from 'react';
import { errorText } from '../lib/error-text';
import { useResource } from '../lib/use-resource';
import { LanguageSelect, ThemeSelect } from '../shop/preferences';
import { usePageTitle } from '../shop/page';
import { useShopperName } from '../shop/shopper';
import { useCart } from '../state/cart';
import { useNotices } from '../state/notices';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Button } from '../ui/button';
import { Dialog } from '../ui/drawer';
import { Switch } from '../ui/forms';

function Personalise() {
  const { t } = useSettings();
  const { api, identity, guestPersonalise, setGuestPersonalise } = useSession();
  const { toast } = useNotices();
  const { shopper } = identity;
  const record = useResource(shopper && `shopper/${api.scope}`, (signal) =>
    api.shopper(shopper!.userId, signal),
  );
  const [chosen, setChosen] = useState<boolean | null>(null);
  const on = shopper ? (chosen ?? record.data?.personalise ?? true) : guestPersonalise;

  const change = async (next: boolean) => {
    try {
      if (shopper) {
        setChosen(next);
        await api.setPersonalise(shopper.userId, next);
      } else {
        setGuestPersonalise(next);
      }
      toast(next ? t.account.personaliseOn : t.account.personaliseOff);
    } catch (error) {
      setChosen(!next);
      toast(`${t.account.failed}: ${errorText(error, t)}`, { tone: 'bad' });
    }
  };

  return (
    <Switch
      label={t.account.personalise}
      text={t.account.personaliseText}
      checked={on}
      disabled={record.loading}
      onChange={(next) => void change(next)}
    />
  );
}

function DeleteData() {
  const { t } = useSettings();
  const { api, identity, forget, shop } = useSession();
  const { cart } = useCart();
  const { toast } = useNotices();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const { shopper } = identity;

  const remove = async () => {
    setBusy(true);
    try {
      if (shopper) await api.deleteShopper(shopper.userId);
      else if (cart && cart.lines.length > 0 && !shop.read_only)
        await api.putCart([], cart.version);
      forget();
      toast(t.account.deleted);
      setAsking(false);
    } catch (error) {
      toast(`${t.account.failed}: ${errorText(error, t)}`, { tone: 'bad' });
    } finally {
      setBusy(false);
    }
  };

  const text = shopper ? t.account.deleteText : t.account.deleteGuestText;
  return (
    <section className="panel" aria-labelledby="delete">
      <h2 id="delete">{t.account.delete}</h2>
      <p>{text}</p>
      <Button look="danger" onClick={() => setAsking(true)}>
        {t.account.delete}
      </Button>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title={t.account.deleteConfirm}
        footer={
          <>
            <Button onClick={() => setAsking(false)}>{t.account.deleteNo}</Button>
            <Button look="danger" busy={busy} onClick={() => void remove()}>
              {t.account.deleteYes}
            </Button>
          </>
        }
      >
        <p>{text}</p>
      </Dialog>
    </section>
  );
}

export default function AccountPage() {
  const { t } = useSettings();
  const { identity } = useSession();
  const name = useShopperName();
  usePageTitle(t.account.title);
  const { shopper, anonymousId } = identity;
  return (
    <div className="account">
      <h1>{t.account.title}</h1>
      <section className="panel" aria-labelledby="who">
        <h2 id="who">{t.account.who}</h2>
        <p className="account-name">{name}</p>
        <p className="quiet">
          {shopper ? t.account.shopperId : t.account.guestId}{' '}
          <span className="code">{shopper?.userId ?? anonymousId}</span>
        </p>
        <Personalise key={shopper?.userId ?? 'guest'} />
      </section>
      <section className="panel" aria-labelledby="settings">
        <h2 id="settings">{t.account.settings}</h2>
        <div className="account-settings">
          <LanguageSelect />
          <ThemeSelect />
        </div>
      </section>
      <DeleteData />
    </div>
  );
}
