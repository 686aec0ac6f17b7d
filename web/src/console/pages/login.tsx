import { useEffect, useState, type FormEvent } from 'react';
import { localText } from '../../lib/texts';
import { errorText } from '../../lib/error-text';
import type { Shop } from '../../api/types';
import { LanguageButton, ThemeButton } from '../../shop/preferences';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Field } from '../../ui/forms';
import { Mark } from '../../ui/mark';
import { createAdminApi, refusalOf } from '../api';
import type { KeyState } from '../session';
import { useTexts } from '../texts';

/** A key is sent in a header: what a header cannot hold is no key, and never leaves the page. */
const isKey = (text: string) => /^[\x21-\x7e]{1,200}$/.test(text);

export function LoginPage({ shop, session }: { shop: Shop; session: KeyState }) {
  const c = useTexts();
  const { t, lang } = useSettings();
  const [key, setKey] = useState('');
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const name = localText(shop.name, lang) || 'Aisle';
  useEffect(() => {
    document.title = `${c.login.title} · ${name} ${c.title}`;
  }, [c, name]);

  const why =
    session.ended === null ? null : session.ended === 'left' ? c.login.left : c.login.ended;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const typed = key.trim();
    if (busy) return;
    if (!typed) return setError(c.login.missing);
    if (!isKey(typed)) return setError(c.login.unknown);
    setBusy(true);
    setError(null);
    try {
      await createAdminApi(typed, () => {}).overview();
      session.begin(typed);
    } catch (failed) {
      const refusal = refusalOf(failed);
      setError(refusal ? c.login[refusal] : errorText(failed, t));
      setBusy(false);
    }
  };

  return (
    <main className="login" id="main">
      <div className="login-tools">
        <LanguageButton />
        <ThemeButton />
      </div>
      <form className="login-card" onSubmit={(event) => void submit(event)} noValidate>
        <div className="brand">
          <Mark />
          <span>{name}</span>
        </div>
        <h1>{c.login.title}</h1>
        <p className="quiet">{c.login.text}</p>
        {why && (
          <p className="login-why" role="status">
            {why}
          </p>
        )}
        <div className="login-key">
          <Field
            label={c.login.key}
            name="key"
            type={shown ? 'text' : 'password'}
            value={key}
            error={error ?? undefined}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            onChange={(event) => {
              setKey(event.target.value);
              setError(null);
            }}
          />
          <button
            type="button"
            className="text-button"
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          >
            {shown ? c.login.hide : c.login.show}
          </button>
        </div>
        <Button type="submit" look="primary" busy={busy}>
          {c.login.submit}
        </Button>
        <p className="fine">{c.login.kept}</p>
        <p className="fine">
          {c.login.where} <code className="code">aisle key create --scope admin</code>
        </p>
      </form>
    </main>
  );
}
