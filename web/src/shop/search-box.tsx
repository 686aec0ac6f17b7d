/* search-box.tsx - the search field with results while typing: the combobox pattern of ARIA 1.2. */
import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';
import type { FacetValue, FoundCard, SearchResults } from '../api/types';
import { EMPTY_SEARCH, formatSearch, parseSearch } from '../lib/search-state';
import { navigate, productUrl, useLocation } from '../lib/router';
import { useResource } from '../lib/use-resource';
import { PATH_SEPARATOR, useCategories } from '../state/categories';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Icon } from '../ui/icon';
import { Picture, Price } from '../ui/product-bits';
import { Highlighted } from './product-card';

const DEBOUNCE_MS = 100;
const MAX_PRODUCTS = 5;
const MAX_DEPARTMENTS = 2;

type Option =
  | { kind: 'department'; path: string; count: number }
  | { kind: 'product'; card: FoundCard; position: number }
  | { kind: 'all'; total: number };

function useDebounced(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** The departments that hold most of what was found, none inside another. */
function bestDepartments(values: FacetValue[]): FacetValue[] {
  const paths = values.map(({ value }) => String(value));
  return values
    .filter(({ value }) => !paths.some((path) => path.startsWith(value + PATH_SEPARATOR)))
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_DEPARTMENTS);
}

function toOptions(found: SearchResults | null): Option[] {
  if (!found || found.total === 0) return [];
  const categories = (found.facets?.category ?? []) as FacetValue[];
  return [
    ...bestDepartments(categories).map(({ value, count }): Option => ({
      kind: 'department',
      path: String(value),
      count,
    })),
    ...found.items.map((card, i): Option => ({ kind: 'product', card, position: i + 1 })),
    { kind: 'all', total: found.total },
  ];
}

const searchUrl = (q: string, category = '') =>
  `/search${formatSearch({ ...EMPTY_SEARCH, q, category })}`;

export function SearchBox() {
  const { t } = useSettings();
  const { api, track } = useSession();
  const categories = useCategories();
  const { pathname, search } = useLocation();
  const committed = pathname === '/search' ? parseSearch(search).q : '';
  const [text, setText] = useState(committed);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [composing, setComposing] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();

  const q = useDebounced(composing ? '' : text.trim());
  const wanted = open && q !== '' && q === text.trim();
  const instant = useResource(
    wanted ? `instant/${api.scope}/${q}` : null,
    (signal) => api.search({ q, facets: ['category'], limit: MAX_PRODUCTS }, signal),
    true,
  );
  const found = text.trim() === '' ? null : instant.data;
  const options = toOptions(found);
  const shown = open && options.length > 0;

  useEffect(() => setText(committed), [committed, pathname]);
  useEffect(() => setActive(-1), [found]);

  const close = () => {
    setOpen(false);
    setActive(-1);
  };

  const choose = (option: Option) => {
    close();
    if (option.kind === 'product') {
      const origin = { requestId: found?.request_id, position: option.position };
      track('click', {
        product_id: option.card.id,
        request_id: origin.requestId,
        position: origin.position,
      });
      setText('');
      navigate(productUrl(option.card.id), { origin });
    } else {
      navigate(searchUrl(text.trim(), option.kind === 'department' ? option.path : ''));
    }
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const option = shown ? options[active] : undefined;
    if (option) {
      choose(option);
      return;
    }
    close();
    navigate(searchUrl(text.trim()));
  };

  const keyDown = (event: KeyboardEvent) => {
    // While an input method composes, its keys are not ours.
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setOpen(true);
      const n = options.length + 1;
      // The place after the last option is the field itself.
      setActive((at) => ((at + 1 + step + n) % n) - 1);
    } else if (event.key === 'Escape') {
      if (shown) event.preventDefault();
      if (!open) setText('');
      close();
    } else if (event.key === 'Enter' && composing) {
      event.preventDefault();
    }
  };

  const listId = `${id}-list`;
  const optionId = (i: number) => `${id}-option-${i}`;
  return (
    <search className="search-box">
      <form
        onSubmit={submit}
        onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || close()}
      >
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          name="q"
          role="combobox"
          aria-label={t.search.label}
          aria-expanded={shown}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={shown && active >= 0 ? optionId(active) : undefined}
          placeholder={t.search.placeholder}
          autoComplete="off"
          autoCorrect="off"
          autoCapitalize="none"
          spellCheck={false}
          enterKeyHint="search"
          maxLength={256}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onKeyDown={keyDown}
          onCompositionStart={() => setComposing(true)}
          onCompositionEnd={() => setComposing(false)}
        />
        {text && (
          <button
            type="button"
            className="search-clear"
            aria-label={t.search.clear}
            onClick={() => {
              setText('');
              input.current?.focus();
            }}
          >
            <Icon name="close" />
          </button>
        )}
        <button type="submit" className="search-submit">
          {t.search.submit}
        </button>
        <div className="search-panel" hidden={!shown}>
          <ul role="listbox" id={listId} aria-label={t.search.suggestions}>
            {options.map((option, i) => (
              /* The field keeps the focus and the keys; a pointer may choose directly. */
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events
              <li
                key={optionKey(option)}
                role="option"
                id={optionId(i)}
                aria-selected={i === active}
                className={`option option-${option.kind}`}
                onPointerDown={(event) => event.preventDefault()}
                onPointerMove={() => setActive(i)}
                onClick={() => choose(option)}
              >
                <OptionView option={option} q={text.trim()} label={categories.label} />
              </li>
            ))}
          </ul>
        </div>
        <span className="sr-only" aria-live="polite">
          {open && found && !instant.loading ? t.search.available(options.length) : ''}
        </span>
      </form>
    </search>
  );
}

function optionKey(option: Option): string {
  if (option.kind === 'product') return `p/${option.card.id}`;
  return option.kind === 'department' ? `c/${option.path}` : 'all';
}

function OptionView(props: { option: Option; q: string; label: (path: string) => string }) {
  const { t, number } = useSettings();
  const { option, q, label } = props;
  if (option.kind === 'department') {
    return (
      <>
        <Icon name="search" />
        <span className="option-text">
          {q} <span className="quiet">{t.search.inDepartment(label(option.path))}</span>
        </span>
        <span className="option-count">{number(option.count)}</span>
      </>
    );
  }
  if (option.kind === 'all') {
    return <span className="option-text">{t.search.seeAll(q, option.total)}</span>;
  }
  const { card } = option;
  return (
    <>
      <Picture src={card.image} eager />
      <span className="option-text">
        <Highlighted pieces={card.highlights?.title} text={card.title} />
        {card.brand && <span className="option-brand">{card.brand}</span>}
      </span>
      <Price price={card.price} currency={card.currency} />
    </>
  );
}
