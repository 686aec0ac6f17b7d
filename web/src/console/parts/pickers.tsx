/* pickers.tsx - choosing a shopper or products among very many. */
import { useEffect, useId, useState } from 'react';
import { getDemoShoppers } from '../../api/client';
import { localText } from '../../lib/texts';
import { useSettings } from '../../state/settings';
import { Field } from '../../ui/forms';
import { IconButton } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { Picture } from '../../ui/product-bits';
import { useLive } from '../lib/live';
import { useConsole } from '../session';
import { useTexts } from '../texts';

const PAUSE_MS = 200;

/** What was typed, once the typing pauses. */
function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}

/** An id with suggestions; it counts with Enter, on leaving the field, or when a suggestion is taken. */
export function ShopperPicker(props: {
  value: string;
  error?: string;
  onChange: (id: string) => void;
}) {
  const { value, onChange } = props;
  const c = useTexts();
  const { lang } = useSettings();
  const { api, shop } = useConsole();
  const [text, setText] = useState(value);
  const [shownFor, setShownFor] = useState(value);
  const list = useId();
  if (shownFor !== value) {
    setShownFor(value);
    setText(value);
  }
  const typed = usePaused(text.trim());
  const found = useLive(
    typed === '' || typed === value ? null : `shoppers/${typed}`,
    async (signal) => (await api.shoppers(typed, signal)).items,
    0,
  );
  const demo = useLive(
    shop.demo ? 'demo-shoppers' : null,
    async (signal) => (await getDemoShoppers(6, signal)).items,
    0,
  );
  const commit = () => text.trim() !== value && onChange(text.trim());
  return (
    <div className="picker">
      <Field
        label={c.placements.shopper}
        hint={c.placements.shopperHint}
        name="shopper"
        list={list}
        autoComplete="off"
        spellCheck={false}
        value={text}
        error={props.error}
        onChange={(event) => {
          const next = event.target.value;
          setText(next);
          if (found.data?.some(({ id }) => id === next)) onChange(next);
        }}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          commit();
        }}
      />
      <datalist id={list}>
        {found.data?.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      {demo.data && (
        <div className="pills" role="group" aria-label={c.placements.demoShoppers}>
          <button
            type="button"
            className="pill"
            aria-pressed={value === ''}
            onClick={() => onChange('')}
          >
            {c.placements.anonymous}
          </button>
          {demo.data.map(({ id, name, taste }) => (
            <button
              key={id}
              type="button"
              className="pill"
              aria-pressed={value === id}
              title={localText(taste, lang)}
              onClick={() => onChange(id)}
            >
              {localText(name, lang)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** Products by id, with a search to add one. With `single` the next one takes the place of the last. */
export function ProductPicker(props: {
  label: string;
  value: string[];
  single: boolean;
  lang: string | undefined;
  onChange: (ids: string[]) => void;
}) {
  const { label, value, single, lang, onChange } = props;
  const c = useTexts();
  const { api } = useConsole();
  const [text, setText] = useState('');
  const typed = usePaused(text.trim());
  const chosen = useLive(
    value.length ? `products/${value.join('\n')}` : null,
    (signal) => api.cards(value, signal),
    0,
  );
  const found = useLive(
    typed ? `search/${lang}/${typed}` : null,
    async (signal) => (await api.search(typed, lang, signal)).items,
    0,
  );
  const add = (id: string) => {
    setText('');
    onChange(single ? [id] : [...value.filter((other) => other !== id), id]);
  };
  return (
    <div className="picker">
      <Field
        label={label}
        hint={c.placements.productHint}
        type="search"
        name="product"
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {text.trim() !== '' && found.data && (
        <ul className="found">
          {found.data.length === 0 && <li className="quiet">{c.placements.productNone}</li>}
          {found.data.map((card) => (
            <li key={card.id}>
              <button
                type="button"
                aria-label={c.placements.add(card.title)}
                onClick={() => add(card.id)}
              >
                <Picture src={card.image} />
                <span>
                  {card.title}
                  <span className="quiet code">{card.id}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {value.length > 0 && (
        <ul className="chosen">
          {value.map((id) => {
            const product = chosen.data?.find((one) => one.id === id);
            const title = product?.title ?? id;
            return (
              <li key={id}>
                <Picture src={product?.images?.[0] ?? product?.image} />
                <span>
                  {title}
                  <span className="quiet code">{id}</span>
                </span>
                <IconButton
                  label={c.placements.remove(title)}
                  onClick={() => onChange(value.filter((other) => other !== id))}
                >
                  <Icon name="close" />
                </IconButton>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
