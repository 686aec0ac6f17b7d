/* experiment.tsx - an experiment: its state, its variants in words, what may be done with it. */
import { useId, useState, type ReactNode } from 'react';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { formatMoney } from '../../lib/money';
import { Button } from '../../ui/button';
import { Field } from '../../ui/forms';
import { Link } from '../../ui/link';
import type { Experiment, MetricName, Rule, Variant } from '../api';
import {
  exploringIn,
  needsOf,
  shareOf,
  stopReason,
  type Exploring,
  type Need,
} from '../lib/experiments';
import { useLive } from '../lib/live';
import { weightLabel } from '../lib/weights';
import { experimentUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';
import { Confirm } from './confirm';
import { Status, type Tone } from './page';

const TONES: Record<Experiment['state'], Tone> = {
  draft: 'plain',
  running: 'busy',
  stopped: 'plain',
  decided: 'good',
};

export function ExperimentStatus({ experiment }: { experiment: Experiment }) {
  const { experiments: x } = useTexts();
  const { state, decision } = experiment;
  return (
    <Status tone={TONES[state]}>
      {state === 'decided' ? x.decidedFor(decision ?? '') : x.states[state]}
    </Status>
  );
}

const NEED_TONES: Record<Need, Tone> = {
  ratio: 'bad',
  guardrail: 'bad',
  days: 'warn',
  decide: 'busy',
};

export function Needs({ needs }: { needs: ReturnType<typeof needsOf> }) {
  const { experiments: x } = useTexts();
  return needs.map((need) => (
    <Status key={need} tone={NEED_TONES[need]}>
      {x.needs[need]}
    </Status>
  ));
}

/** Per cent, amounts, and differences of them. */
export function useMeasures() {
  const { experiments: x } = useTexts();
  const { locale } = useSettings();
  const two = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const format = (value: number, options: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(locale, options).format(value);
  const share = (value: number, digits = 2) =>
    format(value, { style: 'percent', maximumFractionDigits: digits });
  const measure = (value: number, metric: MetricName, currency: string | null) => {
    if (metric !== 'revenue') return format(value, { style: 'percent', ...two });
    return currency ? formatMoney(value, currency, locale) : '–';
  };
  /** As it stands at an axis. */
  const tick = (value: number, metric: MetricName, currency: string | null) =>
    metric === 'revenue' && currency ? formatMoney(value, currency, locale, true) : share(value);
  /** How far apart, whichever way. */
  const distance = (value: number, metric: MetricName, currency: string | null) =>
    metric === 'revenue'
      ? measure(Math.abs(value), metric, currency)
      : x.points(format(100 * Math.abs(value), two));
  const difference = (value: number, metric: MetricName, currency: string | null) => {
    const sign = value > 0 ? '+' : value < 0 ? '−' : '';
    return sign + distance(value, metric, currency);
  };
  const probability = (p: number) =>
    p < 0.0001
      ? `< ${format(0.0001, { maximumFractionDigits: 4 })}`
      : format(p, { maximumFractionDigits: 4 });
  /** As it stands behind a letter. */
  const equals = (p: number) => (p < 0.0001 ? probability(p) : `= ${probability(p)}`);
  return { share, measure, tick, distance, difference, probability, equals };
}

/** Why one ended or should, in the reader's language. */
export function useReason() {
  const { experiments: x } = useTexts();
  const { share, equals } = useMeasures();
  return (text: string): string => {
    const reason = stopReason(text);
    switch (reason.kind) {
      case 'ratio':
        return x.reasons.ratio(equals(Number(reason.p)));
      case 'guardrail': {
        const metric = x.metrics[reason.metric as MetricName] ?? reason.metric;
        const loss = share(reason.loss / 100);
        return x.reasons.guardrail(metric, reason.variant, loss, reason.control);
      }
      case 'days':
        return x.reasons.days(reason.days);
      case 'other':
        return reason.text;
    }
  };
}

/** In what a variant differs from the shop as it is. */
export function useDiffers(rules: Rule[] | null) {
  const c = useTexts();
  const x = c.experiments;
  const { number } = useSettings();
  const { share } = useMeasures();
  return (variant: Variant): string[] => [
    ...(variant.model ? [x.modelIs(variant.model)] : []),
    ...(variant.rules?.length
      ? [
          x.rulesAre(
            variant.rules.map((id) => rules?.find((rule) => rule.id === id)?.name || id).join(', '),
          ),
        ]
      : []),
    ...Object.entries(variant.weights ?? {}).map(([name, value]) => {
      const [placement = '', source = ''] = name.split('.', 2);
      const where = c.placements.names[placement] ?? placement;
      return `${x.weightOf(where, weightLabel(c, source))}: ${number(value, 3)}`;
    }),
    ...(variant.explore === undefined ? [] : [x.exploresAt(share(variant.explore))]),
  ];
}

export function VariantShares({ experiment }: { experiment: Experiment }) {
  const { share } = useMeasures();
  return experiment.definition.variants
    .map(({ name }, i) => `${name} ${share(shareOf(experiment.definition, i), 1)}`)
    .join(', ');
}

/* --- exploring ------------------------------------------------------------------------------- */

function ExploringOf({ of }: { of: Exploring }) {
  const { experiments: x } = useTexts();
  const { share } = useMeasures();
  return (
    <>
      {x.exploringRate(share(of.rate))}{' '}
      <span className="quiet">
        (<Link to={experimentUrl(of.experiment.id)}>{of.experiment.id}</Link>:{' '}
        {x.exploringOf(of.variant, share(of.shoppers, 1))})
      </span>
    </>
  );
}

/** How often a placement's last place is filled at random, and what says so. */
export function ExploringIn(props: { experiments: Experiment[]; placement: string }) {
  const { experiments: x } = useTexts();
  const found = exploringIn(props.experiments, props.placement);
  if (found.length === 0) return <span className="quiet">{x.exploringNever}</span>;
  return (
    <ul className="exploring">
      {found.map((of) => (
        <li key={`${of.experiment.id}/${of.variant}`}>
          <ExploringOf of={of} />
        </li>
      ))}
    </ul>
  );
}

export function ExploringLine({ placement }: { placement: string }) {
  const c = useTexts();
  const { api } = useConsole();
  const live = useLive('experiments', (signal) => api.experiments(signal), 0);
  if (!live.data) return null;
  return (
    <div className="exploring-line">
      <span className="label">{c.placements.exploring}</span>{' '}
      <ExploringIn experiments={live.data} placement={placement} />
    </div>
  );
}

/* --- what is done with it -------------------------------------------------------------------- */

function Action(props: {
  label: string;
  name: string;
  look?: 'primary' | 'danger';
  children: (close: () => void) => ReactNode;
}) {
  const { shop } = useConsole();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button
        look={props.look}
        disabled={shop.read_only}
        aria-label={props.name}
        onClick={() => setAsking(true)}
      >
        {props.label}
      </Button>
      {asking && props.children(() => setAsking(false))}
    </>
  );
}

interface Of {
  experiment: Experiment;
  changed: () => void;
}

export function StartButton({ experiment, changed }: Of) {
  const { experiments: x } = useTexts();
  const { api } = useConsole();
  const { toast } = useNotices();
  return (
    <Action label={x.start} name={`${x.start} ${experiment.id}`} look="primary">
      {(close) => (
        <Confirm
          title={x.startTitle(experiment.id)}
          action={x.start}
          run={async (once) => {
            await api.changeExperiment(experiment.id, { state: 'running' }, once);
            toast(x.started);
            changed();
          }}
          close={close}
        >
          <p>{x.startText}</p>
        </Confirm>
      )}
    </Action>
  );
}

function Stopping({ experiment, changed, close }: Of & { close: () => void }) {
  const { experiments: x } = useTexts();
  const { api } = useConsole();
  const { toast } = useNotices();
  const [reason, setReason] = useState('');
  return (
    <Confirm
      title={x.stopTitle(experiment.id)}
      action={x.stop}
      danger
      run={async (once) => {
        const why = reason.trim();
        const change = { state: 'stopped' as const, ...(why && { reason: why }) };
        await api.changeExperiment(experiment.id, change, once);
        toast(x.stopped);
        changed();
      }}
      close={close}
      again={reason}
    >
      <p>{x.stopText}</p>
      <Field
        label={x.stopReason}
        hint={x.stopReasonHint}
        name="reason"
        maxLength={80}
        autoComplete="off"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </Confirm>
  );
}

export function StopButton(of: Of) {
  const { experiments: x } = useTexts();
  return (
    <Action label={x.stop} name={`${x.stop} ${of.experiment.id}`} look="danger">
      {(close) => <Stopping {...of} close={close} />}
    </Action>
  );
}

function Deciding({ experiment, changed, close }: Of & { close: () => void }) {
  const { experiments: x } = useTexts();
  const { api } = useConsole();
  const { toast } = useNotices();
  const group = useId();
  const [decision, setDecision] = useState('');
  return (
    <Confirm
      title={x.decideTitle(experiment.id)}
      action={x.decide}
      blocked={decision === ''}
      run={async (once) => {
        /* Without it the reason why it was stopped would be forgotten. */
        const reason = experiment.reason ?? undefined;
        const change = { state: 'decided' as const, decision, reason };
        await api.changeExperiment(experiment.id, change, once);
        toast(x.decided(decision));
        changed();
      }}
      close={close}
      again={decision}
    >
      <fieldset className="checks">
        <legend>{x.decideText}</legend>
        {experiment.definition.variants.map(({ name }, i) => (
          <label key={name} className="radio">
            <input
              type="radio"
              name={group}
              checked={decision === name}
              onChange={() => setDecision(name)}
            />
            <span className="check-label">
              {name}
              {i === 0 && <span className="quiet"> ({x.control})</span>}
            </span>
          </label>
        ))}
      </fieldset>
    </Confirm>
  );
}

export function DecideButton(of: Of) {
  const { experiments: x } = useTexts();
  return (
    <Action label={x.decide} name={`${x.decide} ${of.experiment.id}`} look="primary">
      {(close) => <Deciding {...of} close={close} />}
    </Action>
  );
}

export function RemoveButton({ experiment, changed }: Of) {
  const { experiments: x } = useTexts();
  const { api } = useConsole();
  const { toast } = useNotices();
  const { state, decision } = experiment;
  return (
    <Action label={x.remove} name={`${x.remove} ${experiment.id}`} look="danger">
      {(close) => (
        <Confirm
          title={x.removeTitle(experiment.id)}
          action={x.remove}
          danger
          run={async (once) => {
            await api.removeExperiment(experiment.id, once);
            toast(x.removed);
            changed();
          }}
          close={close}
        >
          <p>{x.removeText}</p>
          {state === 'decided' && <p>{x.removeDecided(decision ?? '')}</p>}
        </Confirm>
      )}
    </Action>
  );
}
