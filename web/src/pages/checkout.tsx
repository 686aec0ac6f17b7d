import { useRef, useState, type FormEvent } from 'react';
import { ApiError } from '../api/client';
import type { Address, Cart } from '../api/types';
import {
  ADDRESS_FIELDS,
  checkAddress,
  COUNTRIES,
  emptyAddress,
  tidyAddress,
  type AddressErrors,
} from '../lib/address';
import { errorText } from '../lib/error-text';
import { uuid7 } from '../lib/ids';
import { navigate, orderUrl } from '../lib/router';
import { usePageTitle } from '../shop/page';
import { Rows } from '../shop/shelf';
import { Totals } from '../shop/totals';
import { toLines, useCart } from '../state/cart';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Button, ButtonLink } from '../ui/button';
import { Field, Select } from '../ui/forms';
import { Link } from '../ui/link';
import { Picture } from '../ui/product-bits';
import { EmptyState, ErrorState, Skeleton } from '../ui/states';

const METHODS = ['cash_on_delivery', 'bank_transfer'];

const AUTOCOMPLETE: Record<keyof Address, string> = {
  name: 'name',
  phone: 'tel',
  country: 'country',
  region: 'address-level1',
  city: 'address-level2',
  street: 'street-address',
  postcode: 'postal-code',
};

/** One key for each distinct order: pressing again after a lost answer buys nothing twice. */
function useOrderKey(): (body: unknown) => string {
  const last = useRef({ body: '', key: '' });
  return (body) => {
    const text = JSON.stringify(body);
    if (last.current.body !== text) last.current = { body: text, key: uuid7(Date.now()) };
    return last.current.key;
  };
}

function AddressFields(props: {
  address: Address;
  errors: AddressErrors;
  onChange: (address: Address) => void;
}) {
  const { t, lang } = useSettings();
  const { address, errors, onChange } = props;
  const countries = new Intl.DisplayNames([lang], { type: 'region' });
  return (
    <fieldset className="address">
      <legend>{t.checkout.address}</legend>
      {ADDRESS_FIELDS.map((field) => {
        const common = {
          id: `address-${field}`,
          label: t.checkout[field],
          name: field,
          autoComplete: AUTOCOMPLETE[field],
          value: address[field],
        };
        const set = (value: string) => onChange({ ...address, [field]: value });
        return field === 'country' ? (
          <Select key={field} {...common} onChange={(event) => set(event.target.value)}>
            {COUNTRIES.map((code) => (
              <option key={code} value={code}>
                {countries.of(code)}
              </option>
            ))}
          </Select>
        ) : (
          <Field
            key={field}
            {...common}
            type={field === 'phone' ? 'tel' : 'text'}
            required={field !== 'region'}
            hint={field === 'region' ? t.checkout.optional : undefined}
            error={errors[field]}
            onChange={(event) => set(event.target.value)}
          />
        );
      })}
    </fieldset>
  );
}

function Payment(props: { method: string; onChange: (method: string) => void }) {
  const { t } = useSettings();
  const { shop } = useSession();
  return (
    <fieldset className="payment">
      <legend>{t.checkout.payment}</legend>
      {METHODS.map((method) => (
        <label key={method} className="radio">
          <input
            type="radio"
            name="payment"
            value={method}
            checked={props.method === method}
            onChange={() => props.onChange(method)}
          />
          {t.checkout.methods[method]}
        </label>
      ))}
      {shop.demo && <p className="quiet">{t.checkout.paymentDemo}</p>}
    </fieldset>
  );
}

function CheckoutForm({ cart }: { cart: Cart }) {
  const { t, lang, money } = useSettings();
  const { api, track } = useSession();
  const { reload } = useCart();
  const [address, setAddress] = useState(() => emptyAddress(lang === 'zh' ? 'CN' : 'GB'));
  const [method, setMethod] = useState(METHODS[0]!);
  const [tried, setTried] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const orderKey = useOrderKey();

  const place = async () => {
    const order = { lines: toLines(cart), address: tidyAddress(address), method };
    setBusy(true);
    setFailure(null);
    try {
      const placed = await api.placeOrder(order, orderKey(order));
      for (const { product, quantity, amount } of cart.lines) {
        track('purchase', {
          product_id: product.id,
          quantity,
          ...(amount === null ? {} : { value: amount, currency: cart.currency }),
        });
      }
      navigate(orderUrl(placed.id), { replace: true, origin: { placed: true } });
      reload();
    } catch (error) {
      setFailure(errorText(error, t));
      if (error instanceof ApiError && error.status === 409) reload();
      setBusy(false);
    }
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setTried(true);
    const found = checkAddress(address, t);
    const first = ADDRESS_FIELDS.find((field) => found[field]);
    if (first) document.getElementById(`address-${first}`)?.focus();
    else void place();
  };

  const lines = (
    <ul className="mini-lines">
      {cart.lines.map(({ product, quantity, amount }) => (
        <li key={product.id}>
          <Picture src={product.image} />
          <span>
            {product.title} <span className="quiet">× {quantity}</span>
          </span>
          <span>{amount === null ? '–' : money(amount, product.currency)}</span>
        </li>
      ))}
    </ul>
  );

  // Nobody is told off before having tried; from then on every key is judged.
  const errors = tried ? checkAddress(address, t) : {};
  const problems = Object.keys(errors).length;
  const available = cart.lines.every((line) => line.available);
  return (
    <form className="with-summary" onSubmit={submit} noValidate>
      <div className="checkout-fields">
        <AddressFields address={address} errors={errors} onChange={setAddress} />
        <Payment method={method} onChange={setMethod} />
      </div>
      <Totals cart={cart} lines={lines}>
        <div role="alert" className="form-errors">
          {problems > 0 && <p>{t.checkout.problems(problems)}</p>}
          {failure && (
            <p>
              {t.checkout.failed}: {failure}
            </p>
          )}
          {!available && <p>{t.checkout.unavailable}</p>}
        </div>
        <Button type="submit" look="primary" busy={busy} disabled={!available}>
          {busy ? t.checkout.placing : t.checkout.place}
        </Button>
        <Link to="/cart" className="text-link">
          {t.checkout.edit}
        </Link>
      </Totals>
    </form>
  );
}

/** A few small things beside the till, no second shop. */
const ADDITIONS = 6;

export default function CheckoutPage() {
  const { t } = useSettings();
  const { cart, error, reload } = useCart();
  usePageTitle(t.checkout.title);
  if (error !== null && !cart) return <ErrorState error={error} retry={reload} heading={1} />;
  if (cart?.lines.length === 0) {
    return (
      <EmptyState icon="cart" heading={1} title={t.cart.empty} text={t.cart.emptyText}>
        <ButtonLink to="/" look="primary">
          {t.orders.again}
        </ButtonLink>
      </EmptyState>
    );
  }
  return (
    <>
      <h1>{t.checkout.title}</h1>
      {cart ? <CheckoutForm cart={cart} /> : <Skeleton shape="block" />}
      {cart && (
        <Rows
          query={{
            page: 'checkout',
            product_ids: cart.lines.map((line) => line.product.id),
            limit: ADDITIONS,
          }}
        />
      )}
    </>
  );
}
