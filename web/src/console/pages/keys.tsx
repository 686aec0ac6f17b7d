import { useState } from 'react';
import { ApiError, isAbort } from '../../api/client';
import { errorText } from '../../lib/error-text';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/drawer';
import { Field } from '../../ui/forms';
import { SCOPES, type Key, type Scope } from '../api';
import { useLive } from '../lib/live';
import { Confirm } from '../parts/confirm';
import { CopyButton } from '../parts/copy';
import { Page, Panel, Shown, Status, Table } from '../parts/page';
import { useTimes } from '../parts/times';
import { useConsole } from '../session';
import { useTexts } from '../texts';

const NAME_MAX = 128;

/** The key is in this dialog and nowhere else: closing it forgets it. */
function CreateDialog({ close, changed }: { close: () => void; changed: () => void }) {
  const c = useTexts();
  const { t } = useSettings();
  const { api } = useConsole();
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('server');
  const [made, setMade] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const create = async () => {
    setBusy(true);
    setError(null);
    try {
      const key = await api.createKey(scope, name.trim());
      setMade(key.key);
      changed();
    } catch (failed) {
      if (!isAbort(failed)) setError(failed);
    } finally {
      setBusy(false);
    }
  };
  if (made !== null) {
    return (
      <Dialog
        open
        onClose={close}
        title={c.keys.created}
        footer={
          <>
            <CopyButton text={made} />
            <Button look="primary" onClick={close}>
              {c.keys.understood}
            </Button>
          </>
        }
      >
        <p>{c.keys.createdText}</p>
        <Field label={c.keys.key} className="code" readOnly value={made} name="made" />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={close}
      title={c.keys.create}
      footer={
        <>
          <Button onClick={close}>{c.cancel}</Button>
          <Button look="primary" busy={busy} onClick={() => void create()}>
            {c.keys.create}
          </Button>
        </>
      }
    >
      <Field
        label={c.keys.name}
        hint={c.keys.nameHint}
        name="name"
        maxLength={NAME_MAX}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <fieldset className="checks">
        <legend className="label">{c.keys.scope}</legend>
        {SCOPES.map((option) => (
          <label key={option} className="radio">
            <input
              type="radio"
              name="scope"
              value={option}
              checked={scope === option}
              onChange={() => setScope(option)}
            />
            <span>{c.keys.scopes[option]}</span>
          </label>
        ))}
      </fieldset>
      {error !== null && (
        <p className="field-error" role="alert">
          {errorText(error, t)}
        </p>
      )}
    </Dialog>
  );
}

function Row({ item, changed }: { item: Key; changed: () => void }) {
  const c = useTexts();
  const { at } = useTimes();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const [asking, setAsking] = useState(false);
  const name = item.name || c.keys.unnamed;
  const own = item.revoked_at === null && api.begins(item.hint);
  const revoke = async () => {
    try {
      await api.revokeKey(item.id);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) throw error;
      throw new ApiError(409, error.code, c.keys.lastAdmin, error.requestId);
    }
    toast(c.keys.revoked);
    changed();
  };
  return (
    <tr data-key={item.id}>
      <th scope="row">
        {name} {own && <Status tone="busy">{c.keys.yours}</Status>}
      </th>
      <td data-label={c.keys.scope}>{c.keys.scopeNames[item.scope]}</td>
      <td className="code" data-label={c.keys.begins}>
        {item.hint}…
      </td>
      <td data-label={c.keys.made}>{at(item.created_at)}</td>
      <td data-label={c.keys.state}>
        <Status tone={item.revoked_at ? 'plain' : 'good'}>
          {item.revoked_at ? c.keys.revokedAt(at(item.revoked_at)) : c.keys.active}
        </Status>
      </td>
      <td className="row-actions">
        {!item.revoked_at && (
          <Button
            look="danger"
            disabled={shop.read_only}
            aria-label={c.keys.revokeKey(name)}
            onClick={() => setAsking(true)}
          >
            {c.keys.revoke}
          </Button>
        )}
        {asking && (
          <Confirm
            title={c.keys.revokeTitle(name)}
            action={c.keys.revoke}
            danger
            run={revoke}
            close={() => setAsking(false)}
          >
            <p>{c.keys.revokeText}</p>
            {own && (
              <p>
                <strong>{c.keys.revokeOwn}</strong>
              </p>
            )}
          </Confirm>
        )}
      </td>
    </tr>
  );
}

export default function KeysPage() {
  const c = useTexts();
  const { api, shop } = useConsole();
  const [creating, setCreating] = useState(false);
  const [revoked, setRevoked] = useState(false);
  const live = useLive('keys', async (signal) => (await api.keys(signal)).items, 15_000);
  return (
    <Page
      title={c.keys.title}
      text={c.keys.text}
      actions={
        <Button look="primary" disabled={shop.read_only} onClick={() => setCreating(true)}>
          {c.keys.create}
        </Button>
      }
    >
      <Panel>
        <Shown live={live}>
          {(keys) => (
            <>
              <label className="check">
                <input
                  type="checkbox"
                  checked={revoked}
                  onChange={(event) => setRevoked(event.target.checked)}
                />
                <span className="check-label">{c.keys.showRevoked}</span>
              </label>
              <Table stacked label={c.keys.title}>
                <thead>
                  <tr>
                    <th scope="col">{c.keys.name}</th>
                    <th scope="col">{c.keys.scope}</th>
                    <th scope="col">{c.keys.begins}</th>
                    <th scope="col">{c.keys.made}</th>
                    <th scope="col">{c.keys.state}</th>
                    <th scope="col">
                      <span className="sr-only">{c.keys.revoke}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {keys
                    .filter((key) => revoked || !key.revoked_at)
                    .map((key) => (
                      <Row key={key.id} item={key} changed={live.reload} />
                    ))}
                </tbody>
              </Table>
            </>
          )}
        </Shown>
      </Panel>
      {creating && <CreateDialog close={() => setCreating(false)} changed={live.reload} />}
    </Page>
  );
}
