import { useState, type FormEvent } from 'react';
import { isAbort } from '../../api/client';
import { errorText } from '../../lib/error-text';
import { uuid7 } from '../../lib/ids';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/drawer';
import { Field, Select } from '../../ui/forms';
import { Link } from '../../ui/link';
import type { Rule, RuleAction, RuleWarning } from '../api';
import type { ConsoleTexts } from '../i18n/en';
import { useLive } from '../lib/live';
import {
  ACTIONS,
  BOUNDS,
  DAYS,
  formOf,
  inputOf,
  partsOf,
  RULE_PLACEMENTS,
  wrongNumbers,
  type RuleForm,
} from '../lib/rules';
import { Checks } from '../parts/checks';
import { Confirm } from '../parts/confirm';
import { Nothing, Page, Panel, Shown, Status, Table } from '../parts/page';
import { pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

/* For rules, search is what was found too, and not only what stands beside it. */
const placeName = (c: ConsoleTexts, name: string) =>
  name === 'search' ? c.rules.search : (c.placements.names[name] ?? name);

function Fields(props: {
  form: RuleForm;
  wrong: string[];
  set: (change: Partial<RuleForm>) => void;
}) {
  const { form, wrong, set } = props;
  const c = useTexts();
  const r = c.rules;
  const number = (name: 'priority' | 'position' | 'factor' | 'count', hint: string) => (
    <Field
      key={name}
      label={r[name]}
      hint={hint}
      name={name}
      inputMode="decimal"
      autoComplete="off"
      value={form[name]}
      error={wrong.includes(name) ? c.training.number : undefined}
      onChange={(event) => set({ [name]: event.target.value })}
    />
  );
  return (
    <>
      <Field
        label={r.name}
        name="name"
        maxLength={128}
        autoComplete="off"
        value={form.name}
        onChange={(event) => set({ name: event.target.value })}
      />
      <div className="pair">
        <Select
          label={r.action}
          name="action"
          value={form.action}
          onChange={(event) => set({ action: event.target.value as RuleAction })}
        >
          {ACTIONS.map((name) => (
            <option key={name} value={name}>
              {r.actions[name]}
            </option>
          ))}
        </Select>
        {partsOf[form.action].map((part) =>
          part === 'by' ? (
            <Select
              key={part}
              label={r.by}
              name="by"
              value={form.by}
              onChange={(event) => set({ by: event.target.value })}
            >
              {BOUNDS.map((name) => (
                <option key={name} value={name}>
                  {r.bounds[name]}
                </option>
              ))}
            </Select>
          ) : (
            number(part, r.hints[part])
          ),
        )}
      </div>
      <Field
        label={r.products}
        hint={r.productsHint}
        name="products"
        spellCheck={false}
        autoComplete="off"
        value={form.products}
        onChange={(event) => set({ products: event.target.value })}
      />
      <Checks
        legend={r.placements}
        options={RULE_PLACEMENTS}
        label={(name) => placeName(c, name)}
        value={form.placements}
        onChange={(placements) => set({ placements })}
      />
      <details open={form.shoppers !== 'all' || form.attributes !== '' || undefined}>
        <summary>{r.audience}</summary>
        <div className="controls inner">
          <Select
            label={r.shoppers}
            name="shoppers"
            value={form.shoppers}
            onChange={(event) => set({ shoppers: event.target.value })}
          >
            {(['all', 'known', 'anonymous'] as const).map((name) => (
              <option key={name} value={name}>
                {r.audiences[name]}
              </option>
            ))}
          </Select>
          <Field
            label={r.attributes}
            hint={'attributes.tier = "gold"'}
            name="attributes"
            spellCheck={false}
            autoComplete="off"
            value={form.attributes}
            onChange={(event) => set({ attributes: event.target.value })}
          />
        </div>
      </details>
      <details open={[form.from, form.until, form.hoursFrom].some(Boolean) || undefined}>
        <summary>{r.schedule}</summary>
        <div className="controls inner">
          <div className="pair">
            {(['from', 'until'] as const).map((name) => (
              <Field
                key={name}
                label={r[name]}
                hint="2026-03-01T00:00:00Z"
                name={name}
                autoComplete="off"
                value={form[name]}
                onChange={(event) => set({ [name]: event.target.value })}
              />
            ))}
          </div>
          <div className="pair">
            {(['hoursFrom', 'hoursUntil'] as const).map((name) => (
              <Field
                key={name}
                label={r[name]}
                type="time"
                name={name}
                value={form[name]}
                onChange={(event) => set({ [name]: event.target.value })}
              />
            ))}
          </div>
          <Checks
            legend={r.days}
            options={DAYS}
            label={(name) => r.dayNames[name] ?? name}
            value={form.days}
            onChange={(days) => set({ days })}
          />
        </div>
      </details>
      <div className="pair">
        {number('priority', r.hints.priority)}
        <label className="check">
          <input
            type="checkbox"
            name="enabled"
            checked={form.enabled}
            onChange={(event) => set({ enabled: event.target.checked })}
          />
          <span className="check-label">{r.enabled}</span>
        </label>
      </div>
    </>
  );
}

function Warnings({ warnings }: { warnings: RuleWarning[] }) {
  const c = useTexts();
  if (warnings.length === 0) return null;
  return (
    <div className="warnings" role="status">
      <p>{c.rules.warnings}</p>
      <ul>
        {warnings.map((warning) => (
          <li key={`${warning.code}/${warning.rule_id}`}>
            {c.rules.warningNames[warning.code] ?? warning.code}: {warning.text}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A new rule, or one to change. What it contradicts is said when it is in force, and refuses nothing. */
function RuleDialog(props: { rule: Rule | null; close: () => void; changed: () => void }) {
  const c = useTexts();
  const { t } = useSettings();
  const { api } = useConsole();
  const { toast } = useNotices();
  const [form, setForm] = useState(() => formOf(props.rule));
  const [id, setId] = useState(props.rule?.id ?? null);
  const [once, setOnce] = useState(() => uuid7(Date.now()));
  const [wrong, setWrong] = useState<string[]>([]);
  const [warnings, setWarnings] = useState<RuleWarning[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<RuleForm>) => {
    setForm({ ...form, ...change });
    setWrong([]);
    setOnce(uuid7(Date.now()));
  };
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const found = wrongNumbers(form);
    setWrong(found);
    if (busy || found.length) return;
    setBusy(true);
    setError(null);
    try {
      const saved = await api.saveRule(id, inputOf(form), once);
      setId(saved.id);
      setWarnings(saved.warnings);
      toast(c.rules.saved);
      props.changed();
      if (saved.warnings.length === 0) props.close();
    } catch (failed) {
      if (!isAbort(failed)) setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      onClose={props.close}
      title={props.rule ? c.rules.edit(props.rule.name || props.rule.id) : c.rules.create}
      footer={
        <>
          <Button onClick={props.close}>{warnings.length ? t.close : c.cancel}</Button>
          <Button look="primary" type="submit" form="rule" busy={busy}>
            {c.rules.save}
          </Button>
        </>
      }
    >
      <form id="rule" className="controls" noValidate onSubmit={(event) => void save(event)}>
        <Fields form={form} wrong={wrong} set={set} />
        {error !== null && (
          <p className="field-error" role="alert">
            {errorText(error, t)}
          </p>
        )}
        <Warnings warnings={warnings} />
      </form>
    </Dialog>
  );
}

function actionText(rule: Rule, c: ReturnType<typeof useTexts>): string {
  const { type, position, factor, count, by } = rule.action;
  const name = c.rules.actions[type];
  if (type === 'pin') return `${name} ${position}`;
  if (type === 'boost' || type === 'bury') return `${name} ×${factor}`;
  if (type === 'require') return `${name} ${count}`;
  if (type === 'cap') return `${name} ${count} / ${c.rules.bounds[by ?? 'brand'] ?? by}`;
  return name;
}

function Row({ rule, edit, changed }: { rule: Rule; edit: () => void; changed: () => void }) {
  const c = useTexts();
  const { t } = useSettings();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const [asking, setAsking] = useState(false);
  const name = rule.name || rule.id;
  const shownAt = rule.placements?.find((placement) => placement !== 'search') ?? 'home';
  const flip = async () => {
    try {
      await api.enableRule(rule.id, !rule.enabled, uuid7(Date.now()));
      changed();
    } catch (error) {
      if (!isAbort(error)) toast(errorText(error, t), { tone: 'bad' });
    }
  };
  return (
    <tr data-rule={rule.id}>
      <th scope="row">
        {name}
        {rule.error && <p className="bad-text">{rule.error}</p>}
      </th>
      <td data-label={c.rules.action}>{actionText(rule, c)}</td>
      <td className="code wrap" data-label={c.rules.products}>
        {rule.products || c.rules.everything}
      </td>
      <td className="wrap" data-label={c.rules.placements}>
        {rule.placements?.length
          ? rule.placements.map((p) => placeName(c, p)).join(', ')
          : c.rules.everywhere}
      </td>
      <td className="number" data-label={c.rules.priority}>
        {rule.priority}
      </td>
      <td data-label={c.rules.state}>
        <Status tone={rule.error ? 'bad' : rule.enabled ? 'good' : 'plain'}>
          {rule.error ? c.rules.unreadable : rule.enabled ? c.rules.on : c.rules.off}
        </Status>
      </td>
      <td className="row-actions">
        <Link className="text-link" to={`${pageUrl('placements')}?placement=${shownAt}`}>
          {c.rules.preview}
        </Link>
        <Button disabled={shop.read_only} onClick={() => void flip()}>
          {rule.enabled ? c.rules.switchOff : c.rules.switchOn}
        </Button>
        <Button disabled={shop.read_only} aria-label={c.rules.edit(name)} onClick={edit}>
          {c.rules.change}
        </Button>
        <Button
          look="danger"
          disabled={shop.read_only}
          aria-label={c.rules.removeRule(name)}
          onClick={() => setAsking(true)}
        >
          {c.rules.remove}
        </Button>
        {asking && (
          <Confirm
            title={c.rules.removeRule(name)}
            action={c.rules.remove}
            danger
            run={async () => {
              await api.removeRule(rule.id);
              toast(c.rules.removed);
              changed();
            }}
            close={() => setAsking(false)}
          >
            <p>{c.rules.removeText}</p>
          </Confirm>
        )}
      </td>
    </tr>
  );
}

export default function RulesPage() {
  const c = useTexts();
  const { api, shop } = useConsole();
  const [editing, setEditing] = useState<Rule | 'new' | null>(null);
  const live = useLive('rules', (signal) => api.rules(signal), 15_000);
  return (
    <Page
      title={c.rules.title}
      text={c.rules.text}
      actions={
        <Button look="primary" disabled={shop.read_only} onClick={() => setEditing('new')}>
          {c.rules.create}
        </Button>
      }
    >
      <Panel>
        <Shown live={live}>
          {(rules) =>
            rules.length === 0 ? (
              <Nothing title={c.rules.empty} text={c.rules.emptyText} />
            ) : (
              <Table stacked label={c.rules.title}>
                <thead>
                  <tr>
                    {[c.rules.name, c.rules.action, c.rules.products, c.rules.placements].map(
                      (head) => (
                        <th key={head} scope="col">
                          {head}
                        </th>
                      ),
                    )}
                    <th scope="col" className="number">
                      {c.rules.priority}
                    </th>
                    <th scope="col">{c.rules.state}</th>
                    <th scope="col">
                      <span className="sr-only">{c.rules.change}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {rules.map((rule) => (
                    <Row
                      key={rule.id}
                      rule={rule}
                      edit={() => setEditing(rule)}
                      changed={live.reload}
                    />
                  ))}
                </tbody>
              </Table>
            )
          }
        </Shown>
      </Panel>
      {editing !== null && (
        <RuleDialog
          rule={editing === 'new' ? null : editing}
          close={() => setEditing(null)}
          changed={live.reload}
        />
      )}
    </Page>
  );
}
