import { useId, useRef, useState, type DragEvent, type FormEvent } from 'react';
import { isAbort } from '../../api/client';
import { errorText } from '../../lib/error-text';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Field, Select } from '../../ui/forms';
import { Icon } from '../../ui/icon';
import { Link } from '../../ui/link';
import { IMPORT_KINDS, type ImportKind, type Job } from '../api';
import { formatBytes } from '../lib/format';
import { useLive } from '../lib/live';
import {
  checkImport,
  importOptions,
  MAPPINGS,
  tellingCounts,
  type ImportErrors,
  type ImportForm,
} from '../lib/uploads';
import { isActive, jobPace, JobProgress } from '../parts/job';
import { Nothing, Page, Panel, Shown, Status } from '../parts/page';
import { pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';
import { JobTable } from './jobs';

function FileField(props: {
  file: File | null;
  error?: string;
  choose: (file: File | null) => void;
}) {
  const c = useTexts();
  const { locale } = useSettings();
  const id = useId();
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [dropped] = event.dataTransfer.files;
    if (dropped) props.choose(dropped);
  };
  return (
    <div
      className="file-field"
      data-over={over || undefined}
      data-invalid={props.error ? '' : undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        id={id}
        type="file"
        className="sr-only"
        aria-describedby={props.error ? `${id}-error` : `${id}-chosen`}
        aria-invalid={props.error ? true : undefined}
        onChange={(event) => props.choose(event.target.files?.[0] ?? null)}
      />
      <label htmlFor={id} className="button">
        <Icon name="upload" />
        {c.imports.choose}
      </label>
      <span id={`${id}-chosen`}>
        {props.file
          ? c.imports.chosen(props.file.name, formatBytes(props.file.size, locale))
          : c.imports.drop}
      </span>
      {props.error && (
        <p className="field-error" id={`${id}-error`}>
          {props.error}
        </p>
      )}
    </div>
  );
}

function Upload({ queued }: { queued: (job: number) => void }) {
  const c = useTexts();
  const { t } = useSettings();
  const { api, shop } = useConsole();
  const [form, setForm] = useState<ImportForm>({
    kind: 'products',
    mapping: '',
    own: '',
    currency: '',
    full: false,
    force: false,
    dryRun: false,
  });
  const [file, setFile] = useState<File | null>(null);
  const [errors, setErrors] = useState<ImportErrors>({});
  const [sent, setSent] = useState<number | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const sending = useRef<AbortController | null>(null);
  const set = (change: Partial<ImportForm>) => {
    setForm({ ...form, ...change });
    setErrors({});
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (sent !== null) return;
    const found = checkImport(form, file);
    setErrors(found);
    setFailed(null);
    if (!file || Object.keys(found).length) return;
    sending.current = new AbortController();
    setSent(0);
    try {
      const job = await api.importFile(
        file,
        importOptions(form, file.name),
        setSent,
        sending.current.signal,
      );
      queued(job.id);
    } catch (error) {
      if (!isAbort(error)) setFailed(error);
    } finally {
      setSent(null);
    }
  };

  const check = (name: 'dryRun' | 'full' | 'force', label: string) => (
    <label className="check">
      <input
        type="checkbox"
        name={name}
        checked={form[name]}
        onChange={(event) => set({ [name]: event.target.checked })}
      />
      <span className="check-label">{label}</span>
    </label>
  );

  return (
    <form className="upload" onSubmit={(event) => void submit(event)} noValidate>
      <FileField
        file={file}
        error={
          errors.file && (errors.file === 'empty' ? c.imports.fileEmpty : c.imports.fileMissing)
        }
        choose={(chosen) => {
          setFile(chosen);
          setErrors({});
        }}
      />
      <div className="upload-fields">
        <Select
          label={c.imports.kind}
          name="kind"
          value={form.kind}
          onChange={(event) =>
            set({ kind: event.target.value as ImportKind, mapping: '', full: false })
          }
        >
          {IMPORT_KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {c.imports.kinds[kind]}
            </option>
          ))}
        </Select>
        <Select
          label={c.imports.mapping}
          name="mapping"
          value={form.mapping}
          onChange={(event) => set({ mapping: event.target.value })}
        >
          {MAPPINGS[form.kind].map((name) => (
            <option key={name} value={name}>
              {c.imports.mappings[name] ?? name}
            </option>
          ))}
        </Select>
        {form.mapping === 'own' && (
          <Field
            label={c.imports.own}
            hint={c.imports.ownHint}
            value={form.own}
            error={errors.own && c.imports.ownHint}
            onChange={(event) => set({ own: event.target.value })}
          />
        )}
        <Field
          label={c.imports.currency}
          hint={c.imports.currencyHint}
          name="currency"
          maxLength={3}
          autoComplete="off"
          value={form.currency}
          error={errors.currency && c.imports.currencyInvalid}
          onChange={(event) => set({ currency: event.target.value })}
        />
      </div>
      <fieldset className="checks">
        <legend className="label">{c.imports.options}</legend>
        {check('dryRun', c.imports.dryRun)}
        {form.kind === 'products' && check('full', c.imports.full)}
        {check('force', c.imports.force)}
      </fieldset>
      {failed !== null && (
        <p className="field-error" role="alert">
          {errorText(failed, t)}
        </p>
      )}
      <div className="upload-foot">
        <Button type="submit" look="primary" busy={sent !== null} disabled={shop.read_only}>
          {form.dryRun ? c.imports.submitDry : c.imports.submit}
        </Button>
        {sent !== null && (
          <>
            <progress max={1} value={sent} aria-label={c.imports.sending(Math.floor(100 * sent))} />
            <span>{c.imports.sending(Math.floor(100 * sent))}</span>
            <Button onClick={() => sending.current?.abort()}>{c.imports.stopSending}</Button>
          </>
        )}
      </div>
    </form>
  );
}

function Result({ job }: { job: Job }) {
  const c = useTexts();
  const { number } = useSettings();
  const kind = String(job.result?.kind ?? job.arguments?.kind ?? '');
  const refused = Number(job.result?.quarantined ?? 0);
  const reasons = Object.entries((job.result?.reasons ?? {}) as Record<string, number>);
  const dry = job.result?.dry_run === true;
  const done = job.state === 'done';
  return (
    <div className="import-result" role="status">
      <p>
        <Status tone={done ? 'good' : job.state === 'failed' ? 'bad' : 'plain'}>
          {done ? (dry ? c.imports.doneDry : c.imports.done) : c.jobs.states[job.state]}
        </Status>{' '}
        {job.state === 'failed' && <span className="bad-text">{job.message}</span>}
        {job.result?.again === true && c.imports.again}
      </p>
      <dl className="stats small">
        {tellingCounts(job.result, Object.keys(c.imports.counts)).map(([name, value]) => (
          <div className="stat" key={name}>
            <dt>{c.imports.counts[name]}</dt>
            <dd>
              <span className="stat-value">{number(value)}</span>
            </dd>
          </div>
        ))}
      </dl>
      {reasons.length > 0 && (
        <ul className="reasons">
          {reasons.map(([reason, n]) => (
            <li key={reason}>
              {c.quarantine.reasons[reason] ?? reason}: {number(n)}
            </li>
          ))}
        </ul>
      )}
      {refused > 0 && !dry && (
        <Link to={`${pageUrl('quarantine')}?kind=${encodeURIComponent(kind)}`}>
          {c.imports.seeQuarantine}
        </Link>
      )}
    </div>
  );
}

export default function ImportsPage() {
  const c = useTexts();
  const { api } = useConsole();
  const [mine, setMine] = useState<number | null>(null);
  const live = useLive(
    'imports',
    async (signal) => {
      const { items } = await api.jobs(undefined, signal);
      return items.filter((job) => job.kind === 'import');
    },
    jobPace,
  );
  const started = (job: number) => {
    setMine(job);
    live.reload();
  };
  return (
    <Page title={c.imports.title} text={c.imports.text}>
      <Panel title={c.imports.upload}>
        <Upload queued={started} />
        {live.data?.filter(isActive).map((job) => (
          <JobProgress key={job.id} job={job} changed={live.reload} />
        ))}
        {live.data
          ?.filter((job) => job.id === mine && !isActive(job))
          .map((job) => (
            <Result key={job.id} job={job} />
          ))}
      </Panel>
      <Panel title={c.imports.history}>
        <Shown live={live}>
          {(jobs) =>
            jobs.every(isActive) ? (
              <Nothing title={c.imports.empty} text={c.imports.emptyText} />
            ) : (
              <JobTable jobs={jobs.filter((job) => !isActive(job))} label={c.imports.history} />
            )
          }
        </Shown>
      </Panel>
    </Page>
  );
}
