import { useState } from 'react';
import { isAbort } from '../../api/client';
import { errorText } from '../../lib/error-text';
import { navigate, useLocation } from '../../lib/router';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Select } from '../../ui/forms';
import type { QuarantineRow } from '../api';
import { useLive } from '../lib/live';
import { Nothing, Page, Panel, Shown } from '../parts/page';
import { useTimes } from '../parts/times';
import { pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

function Row({ row, gone }: { row: QuarantineRow; gone: () => void }) {
  const c = useTexts();
  const { t } = useSettings();
  const { at } = useTimes();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const [busy, setBusy] = useState(false);
  const place = c.quarantine.place(row.source, row.line, row.column);
  const dismiss = async () => {
    setBusy(true);
    try {
      await api.dismiss(row.id);
      toast(c.quarantine.dismissed);
      gone();
    } catch (error) {
      if (!isAbort(error)) toast(errorText(error, t), { tone: 'bad' });
      setBusy(false);
    }
  };
  return (
    <li className="refused" data-row={row.id}>
      <div>
        <h2>{c.quarantine.reasons[row.reason] ?? row.reason}</h2>
        <p>{row.message}</p>
        <p className="quiet">
          {c.imports.kinds[row.kind] ?? row.kind} · {place} · {at(row.at)}
        </p>
        {row.raw && (
          <pre className="code" aria-label={c.quarantine.row}>
            {row.raw}
            {row.raw_cut && '…'}
          </pre>
        )}
        {row.raw_cut && <p className="quiet">{c.quarantine.cut}</p>}
      </div>
      <Button
        busy={busy}
        disabled={shop.read_only}
        aria-label={c.quarantine.dismissRow(place)}
        onClick={() => void dismiss()}
      >
        {c.quarantine.dismiss}
      </Button>
    </li>
  );
}

function Rows({ kind, reason, changed }: { kind: string; reason: string; changed: () => void }) {
  const c = useTexts();
  const { t } = useSettings();
  const { api } = useConsole();
  const { toast } = useNotices();
  const first = useLive(
    `quarantine/${kind}/${reason}`,
    (signal) => api.quarantine({ kind, reason }, signal),
    0,
  );
  const [more, setMore] = useState<{ of: unknown; rows: QuarantineRow[]; cursor?: string } | null>(
    null,
  );
  const [gone, setGone] = useState<Set<number>>(new Set());
  const [busy, setBusy] = useState(false);
  return (
    <Shown live={first}>
      {(page) => {
        const older = more?.of === page ? more : null;
        const rows = [...page.items, ...(older?.rows ?? [])].filter(({ id }) => !gone.has(id));
        const cursor = older ? older.cursor : page.next_cursor;
        const loadMore = async () => {
          setBusy(true);
          try {
            const next = await api.quarantine({ kind, reason, cursor });
            setMore({
              of: page,
              rows: [...(older?.rows ?? []), ...next.items],
              cursor: next.next_cursor,
            });
          } catch (error) {
            if (!isAbort(error)) toast(errorText(error, t), { tone: 'bad' });
          } finally {
            setBusy(false);
          }
        };
        if (rows.length === 0 && !cursor) {
          return kind || reason ? (
            <Nothing title={c.quarantine.emptyFiltered} />
          ) : (
            <Nothing title={c.quarantine.empty} text={c.quarantine.emptyText} />
          );
        }
        return (
          <>
            <ul className="refusals">
              {rows.map((row) => (
                <Row
                  key={row.id}
                  row={row}
                  gone={() => {
                    setGone(new Set([...gone, row.id]));
                    changed();
                  }}
                />
              ))}
            </ul>
            {cursor && (
              <Button busy={busy} onClick={() => void loadMore()}>
                {c.more}
              </Button>
            )}
          </>
        );
      }}
    </Shown>
  );
}

export default function QuarantinePage() {
  const c = useTexts();
  const { number } = useSettings();
  const { api } = useConsole();
  const params = new URLSearchParams(useLocation().search);
  const kind = params.get('kind') ?? '';
  const reason = params.get('reason') ?? '';
  const counts = useLive(
    'quarantine-counts',
    async (signal) => (await api.overview(signal)).quarantine,
    0,
  );
  const sum = (key: 'kind' | 'reason', list = counts.data ?? []) => {
    const sums = new Map<string, number>();
    for (const count of list) sums.set(count[key], (sums.get(count[key]) ?? 0) + count.rows);
    return [...sums];
  };
  const kinds = sum('kind');
  const reasons = sum(
    'reason',
    counts.data?.filter((count) => !kind || count.kind === kind),
  );
  const go = (next: { kind: string; reason: string }) => {
    const search = new URLSearchParams(Object.entries(next).filter(([, value]) => value));
    const text = search.toString();
    navigate(pageUrl('quarantine') + (text && `?${text}`), { replace: true });
  };
  return (
    <Page title={c.quarantine.title} text={c.quarantine.text}>
      <Panel>
        <div className="filters">
          <Select
            label={c.quarantine.kind}
            name="kind"
            value={kind}
            onChange={(event) => go({ kind: event.target.value, reason: '' })}
          >
            <option value="">{c.quarantine.all}</option>
            {kind && !kinds.some(([name]) => name === kind) && (
              <option value={kind}>{c.imports.kinds[kind] ?? kind}</option>
            )}
            {kinds.map(([name, n]) => (
              <option key={name} value={name}>
                {c.imports.kinds[name] ?? name} ({number(n)})
              </option>
            ))}
          </Select>
          <Select
            label={c.quarantine.reason}
            name="reason"
            value={reason}
            onChange={(event) => go({ kind, reason: event.target.value })}
          >
            <option value="">{c.quarantine.allReasons}</option>
            {reason && !reasons.some(([name]) => name === reason) && (
              <option value={reason}>{c.quarantine.reasons[reason] ?? reason}</option>
            )}
            {reasons.map(([name, n]) => (
              <option key={name} value={name}>
                {c.quarantine.reasons[name] ?? name} ({number(n)})
              </option>
            ))}
          </Select>
        </div>
        <Rows key={`${kind}/${reason}`} kind={kind} reason={reason} changed={counts.reload} />
        <p className="fine">
          {c.quarantine.retry}{' '}
          <code className="code">aisle import {kind || 'orders'} --quarantine retry</code>
        </p>
      </Panel>
    </Page>
  );
}
