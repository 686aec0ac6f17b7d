import { useEffect, useState, type FormEvent, type ReactNode } from 'react';
import { ApiError, isAbort } from '../../api/client';
import { errorText } from '../../lib/error-text';
import { uuid7 } from '../../lib/ids';
import { navigate, useLocation } from '../../lib/router';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { Button, ButtonLink } from '../../ui/button';
import { Field, Select } from '../../ui/forms';
import { Link } from '../../ui/link';
import { METRICS, type Experiment, type MetricName, type ModelVersion, type Rule } from '../api';
import type { Weights } from '../api';
import {
  definitionOf,
  formOf,
  GUARDRAILS_MAX,
  mistakeOf,
  newVariant,
  VARIANTS_MAX,
  wrongFields,
  type ExperimentForm,
  type GuardrailForm,
  type VariantForm,
} from '../lib/experiments';
import { formatNumber } from '../lib/format';
import { useLive } from '../lib/live';
import { weightLabel } from '../lib/weights';
import { PLACEMENTS } from '../lib/preview';
import { Checks } from '../parts/checks';
import { Nothing, Page, Panel, Shown } from '../parts/page';
import { experimentUrl, pageUrl } from '../routes';
import { useConsole } from '../session';
import { useTexts } from '../texts';

/** What a variant may choose among. */
interface Choices {
  models: ModelVersion[];
  rules: Rule[];
  weights: Weights;
}

/** What is wrong, by path of the field. */
type Mistakes = Record<string, string>;

function Remove({ label, onClick }: { label: string; onClick: () => void }) {
  const { experiments: x } = useTexts();
  return (
    <Button look="quiet" aria-label={label} onClick={onClick}>
      {x.takeOut}
    </Button>
  );
}

function MetricSelect(props: {
  label: string;
  name: string;
  value: MetricName;
  onChange: (metric: MetricName) => void;
}) {
  const { experiments: x } = useTexts();
  return (
    <Select
      label={props.label}
      name={props.name}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value as MetricName)}
    >
      {METRICS.map((metric) => (
        <option key={metric} value={metric}>
          {x.metrics[metric]}
        </option>
      ))}
    </Select>
  );
}

function Guardrails(props: {
  rails: GuardrailForm[];
  mistakes: Mistakes;
  set: (rails: GuardrailForm[]) => void;
}) {
  const { rails, mistakes, set } = props;
  const { experiments: x } = useTexts();
  const change = (at: number, part: Partial<GuardrailForm>) =>
    set(rails.map((rail, i) => (i === at ? { ...rail, ...part } : rail)));
  return (
    <Panel title={x.rails} text={x.railsText} className="controls">
      {rails.map((rail, i) => (
        <div className="form-row" key={i}>
          <MetricSelect
            label={x.railMetric}
            name={`guardrails.${i}.metric`}
            value={rail.metric}
            onChange={(metric) => change(i, { metric })}
          />
          <Field
            label={x.railLoss}
            hint={x.railLossHint}
            name={`guardrails.${i}.max_loss`}
            inputMode="decimal"
            autoComplete="off"
            value={rail.loss}
            error={mistakes[`guardrails.${i}.max_loss`]}
            onChange={(event) => change(i, { loss: event.target.value })}
          />
          <Remove
            label={x.railRemove(i + 1)}
            onClick={() => set(rails.filter((_, other) => other !== i))}
          />
        </div>
      ))}
      {rails.length < GUARDRAILS_MAX && (
        <div>
          <Button onClick={() => set([...rails, { metric: 'revenue', loss: '10' }])}>
            {x.railAdd}
          </Button>
        </div>
      )}
    </Panel>
  );
}

function WeightFields(props: {
  at: number;
  placement: string;
  variant: VariantForm;
  weights: Record<string, number>;
  mistakes: Mistakes;
  set: (weights: Record<string, string>) => void;
}) {
  const { at, placement, variant, weights, mistakes, set } = props;
  const c = useTexts();
  const x = c.experiments;
  const { locale } = useSettings();
  const names = Object.keys(weights);
  const path = (source: string) => `${placement}.${source}`;
  const changed = names.filter((source) => (variant.weights[path(source)] ?? '').trim() !== '');
  const wrong = names.some((source) => mistakes[`variants.${at}.weights.${path(source)}`]);
  const where = c.placements.names[placement] ?? placement;
  return (
    <details className="weights" open={wrong || undefined}>
      <summary>
        {x.weightsOf(where)}
        {changed.length > 0 && ` (${x.weightsChanged(changed.length)})`}
      </summary>
      <p className="quiet">{x.weightsHint}</p>
      <div className="parameter-fields words">
        {names.map((source) => (
          <Field
            key={source}
            label={weightLabel(c, source)}
            name={`variants.${at}.weights.${path(source)}`}
            inputMode="decimal"
            autoComplete="off"
            placeholder={formatNumber(weights[source]!, locale)}
            value={variant.weights[path(source)] ?? ''}
            error={mistakes[`variants.${at}.weights.${path(source)}`]}
            onChange={(event) => set({ ...variant.weights, [path(source)]: event.target.value })}
          />
        ))}
      </div>
    </details>
  );
}

function VariantFields(props: {
  at: number;
  variant: VariantForm;
  placements: string[];
  choices: Choices;
  mistakes: Mistakes;
  set: (variant: VariantForm) => void;
  remove?: () => void;
}) {
  const { at, variant, choices, mistakes, set } = props;
  const c = useTexts();
  const x = c.experiments;
  const path = `variants.${at}`;
  const text = (
    name: 'name' | 'weight' | 'explore',
    label: string,
    hint: string | undefined,
    decimal: boolean,
  ) => (
    <Field
      label={label}
      hint={hint}
      name={`${path}.${name}`}
      inputMode={decimal ? 'decimal' : undefined}
      autoComplete="off"
      spellCheck={false}
      value={variant[name]}
      error={mistakes[`${path}.${name}`]}
      onChange={(event) => set({ ...variant, [name]: event.target.value })}
    />
  );
  const ruleName = (id: string) => choices.rules.find((rule) => rule.id === id)?.name || id;
  const rules = [...new Set([...choices.rules.map(({ id }) => id), ...variant.rules])];
  return (
    <fieldset className="variant-form" data-variant={at}>
      <legend>{x.variantTitle(at)}</legend>
      {mistakes[path] && (
        <p className="field-error" role="alert">
          {mistakes[path]}
        </p>
      )}
      <div className="form-row three">
        {text('name', x.variantName, undefined, false)}
        {text('weight', x.weight, x.weightHint, true)}
        {text('explore', x.explore, x.exploreHint, true)}
      </div>
      <Select
        label={x.model}
        name={`${path}.model`}
        value={variant.model}
        aria-invalid={mistakes[`${path}.model`] ? true : undefined}
        onChange={(event) => set({ ...variant, model: event.target.value })}
      >
        <option value="">{x.modelLive}</option>
        {choices.models.map(({ version, live }) => (
          <option key={version} value={version}>
            {version}
            {live && ` (${c.models.states.live})`}
          </option>
        ))}
        {variant.model && !choices.models.some(({ version }) => version === variant.model) && (
          <option value={variant.model}>{variant.model}</option>
        )}
      </Select>
      {mistakes[`${path}.model`] && (
        <p className="field-error" role="alert">
          {mistakes[`${path}.model`]}
        </p>
      )}
      {rules.length > 0 ? (
        <Checks
          legend={x.rules}
          hint={x.rulesHint}
          options={rules}
          label={ruleName}
          value={variant.rules}
          error={mistakes[`${path}.rules`]}
          onChange={(next) => set({ ...variant, rules: next })}
        />
      ) : (
        <p className="quiet">{x.rulesNone}</p>
      )}
      {props.placements.map((placement) => (
        <WeightFields
          key={placement}
          at={at}
          placement={placement}
          variant={variant}
          weights={choices.weights[placement] ?? {}}
          mistakes={mistakes}
          set={(weights) => set({ ...variant, weights })}
        />
      ))}
      {mistakes[`${path}.weights`] && (
        <p className="field-error" role="alert">
          {mistakes[`${path}.weights`]}
        </p>
      )}
      {props.remove && (
        <div>
          <Remove
            label={x.variantRemove(variant.name || x.variantTitle(at))}
            onClick={props.remove}
          />
        </div>
      )}
    </fieldset>
  );
}

/** A weight of a placement that is not chosen any more would be refused. */
function withoutOthers(weights: Record<string, string>, placements: string[]) {
  return Object.fromEntries(
    Object.entries(weights).filter(([name]) => placements.includes(name.split('.', 1)[0]!)),
  );
}

function Variants(props: {
  form: ExperimentForm;
  choices: Choices;
  mistakes: Mistakes;
  set: (variants: VariantForm[]) => void;
}) {
  const { form, choices, mistakes, set } = props;
  const { experiments: x } = useTexts();
  const { variants } = form;
  const fresh = () => {
    let n = variants.length;
    while (variants.some(({ name }) => name === `variant-${n}`)) n++;
    return `variant-${n}`;
  };
  return (
    <Panel title={x.variants} text={x.variantsText} className="controls">
      {mistakes.variants && (
        <p className="field-error" role="alert">
          {mistakes.variants}
        </p>
      )}
      {variants.map((variant, i) => (
        <VariantFields
          key={i}
          at={i}
          variant={variant}
          placements={form.placements}
          choices={choices}
          mistakes={mistakes}
          set={(next) => set(variants.map((one, other) => (other === i ? next : one)))}
          remove={
            i > 0 && variants.length > 1
              ? () => set(variants.filter((_, other) => other !== i))
              : undefined
          }
        />
      ))}
      {variants.length < VARIANTS_MAX && (
        <div>
          <Button onClick={() => set([...variants, newVariant(fresh())])}>{x.variantAdd}</Button>
        </div>
      )}
    </Panel>
  );
}

/* The fields that are one line of text, and whether they are numbers. */
const LINES = {
  id: false,
  description: false,
  layer: false,
  currency: false,
  share: true,
  horizon_days: true,
  max_days: true,
  expected_shoppers: true,
  alpha: true,
} as const;

function Form({
  experiment,
  like,
  choices,
}: {
  experiment: Experiment | null;
  like: Experiment | null;
  choices: Choices;
}) {
  const c = useTexts();
  const x = c.experiments;
  const { t } = useSettings();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const [form, setForm] = useState<ExperimentForm>(() => ({
    ...formOf(experiment ?? like),
    ...(experiment ? {} : { id: '' }),
  }));
  const [once, setOnce] = useState(() => uuid7(Date.now()));
  const [mistakes, setMistakes] = useState<Mistakes>({});
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const set = (change: Partial<ExperimentForm>) => {
    setForm({ ...form, ...change });
    setMistakes({});
    setError(null);
    setOnce(uuid7(Date.now()));
  };
  const setPlacements = (placements: string[]) =>
    set({
      placements: PLACEMENTS.filter((name) => placements.includes(name)),
      variants: form.variants.map((variant) => ({
        ...variant,
        weights: withoutOthers(variant.weights, placements),
      })),
    });
  /* What is wrong may be out of sight. */
  useEffect(() => {
    if (Object.keys(mistakes).length === 0) return;
    document.querySelector<HTMLElement>('#experiment [aria-invalid=true]')?.focus();
  }, [mistakes]);
  const refuse = (failed: unknown, definition: ReturnType<typeof definitionOf>) => {
    if (!(failed instanceof ApiError) || failed.status !== 400) {
      setError(errorText(failed, t));
      return;
    }
    const { path, message } = mistakeOf(failed, definition);
    if (path === '') setError(failed.message);
    else setMistakes({ [path]: message });
  };
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const wrong = Object.entries(wrongFields(form));
    if (wrong.length) {
      setMistakes(
        Object.fromEntries(
          wrong.map(([path, kind]) => [path, kind === 'number' ? x.number : x.needed]),
        ),
      );
      return;
    }
    const definition = definitionOf(form);
    setBusy(true);
    setError(null);
    try {
      if (experiment) await api.changeExperiment(experiment.id, { definition }, once);
      else await api.createExperiment(form.id.trim(), definition, once);
      toast(x.saved);
      navigate(experimentUrl(form.id.trim()));
    } catch (failed) {
      if (!isAbort(failed)) refuse(failed, definition);
    } finally {
      setBusy(false);
    }
  };
  const line = (
    name: keyof typeof LINES,
    label: string,
    hint?: string,
    more: { readOnly?: boolean; maxLength?: number } = {},
  ): ReactNode => (
    <Field
      {...more}
      label={label}
      hint={hint}
      name={name}
      inputMode={LINES[name] ? 'decimal' : undefined}
      autoComplete="off"
      spellCheck={name === 'description'}
      value={form[name]}
      error={mistakes[name]}
      onChange={(event) => set({ [name]: event.target.value })}
    />
  );
  return (
    <form
      id="experiment"
      className="experiment-form"
      noValidate
      onSubmit={(event) => void save(event)}
    >
      <Panel title={x.what} className="controls">
        <div className="form-row two">
          {line('id', x.id, x.idHint, { readOnly: experiment !== null, maxLength: 128 })}
          {line('description', x.description, x.descriptionHint, { maxLength: 300 })}
        </div>
        <Checks
          legend={x.placements}
          hint={x.placementsHint}
          options={PLACEMENTS}
          label={(name) => c.placements.names[name] ?? name}
          value={form.placements}
          error={mistakes.placements}
          onChange={setPlacements}
        />
        <div className="form-row two">
          <MetricSelect
            label={x.metric}
            name="metric"
            value={form.metric}
            onChange={(metric) => set({ metric })}
          />
          {line('currency', x.currency, x.currencyHint, { maxLength: 3 })}
        </div>
      </Panel>
      <Panel title={x.who} className="controls">
        <div className="form-row three">
          {line('share', x.takesPart, x.shareHint)}
          {line('layer', x.layer, x.layerHint, { maxLength: 64 })}
          {line('horizon_days', x.horizon, x.horizonHint)}
          {line('max_days', x.maxDays, x.maxDaysHint)}
          {line('expected_shoppers', x.expected, x.expectedHint)}
          {line('alpha', x.alpha, x.alphaHint)}
        </div>
      </Panel>
      <Guardrails
        rails={form.guardrails}
        mistakes={mistakes}
        set={(guardrails) => set({ guardrails })}
      />
      <Variants
        form={form}
        choices={choices}
        mistakes={mistakes}
        set={(variants) => set({ variants })}
      />
      {error !== null && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      <div className="page-actions">
        <Button type="submit" look="primary" busy={busy} disabled={shop.read_only}>
          {x.save}
        </Button>
        <ButtonLink to={experiment ? experimentUrl(experiment.id) : pageUrl('experiments')}>
          {c.cancel}
        </ButtonLink>
      </div>
    </form>
  );
}

/** A new one (perhaps like another), or a draft to change. */
export default function ExperimentFormPage({ id }: { id: string | null }) {
  const { experiments: x } = useTexts();
  const { api } = useConsole();
  const { search } = useLocation();
  const like = id === null ? new URLSearchParams(search).get('like') : null;
  const live = useLive(
    `experiment-form/${id ?? ''}/${like ?? ''}`,
    async (signal) => {
      const of = id ?? like;
      const [experiment, models, rules, settings] = await Promise.all([
        of === null ? null : api.experiment(of, signal),
        api.models(signal),
        api.rules(signal),
        api.settings(signal),
      ]);
      const versions = models.items.filter(({ family }) => family === 'recommend');
      return { experiment, choices: { models: versions, rules, weights: settings.weights } };
    },
    0,
  );
  return (
    <Page
      title={id === null ? x.newTitle : x.editTitle(id)}
      text={id === null ? x.newText : undefined}
    >
      <p className="under-head">
        <Link to={id === null ? pageUrl('experiments') : experimentUrl(id)}>
          {id === null ? x.back : id}
        </Link>
      </p>
      <Shown live={live}>
        {({ experiment, choices }) =>
          id !== null && experiment?.state !== 'draft' ? (
            <Panel>
              <Nothing title={x.only} />
            </Panel>
          ) : (
            <Form
              experiment={id === null ? null : experiment}
              like={experiment}
              choices={choices}
            />
          )
        }
      </Shown>
    </Page>
  );
}
