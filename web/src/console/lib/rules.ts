/* rules.ts - business rules (docs/rules.md) as a form holds them, and as the server takes them. */
import type { Rule, RuleAction, RuleInput } from '../api';
import { PLACEMENTS } from './preview';

export const ACTIONS: RuleAction[] = ['pin', 'boost', 'bury', 'hide', 'require', 'cap'];
export const RULE_PLACEMENTS = PLACEMENTS;
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export const BOUNDS = ['brand', 'supplier_id', 'category'] as const;

export interface RuleForm {
  name: string;
  enabled: boolean;
  priority: string;
  action: RuleAction;
  position: string;
  factor: string;
  count: string;
  by: string;
  products: string;
  placements: string[];
  shoppers: string;
  attributes: string;
  from: string;
  until: string;
  days: string[];
  hoursFrom: string;
  hoursUntil: string;
}

/** Which numbers an action has. */
export const partsOf: Record<RuleAction, ('position' | 'factor' | 'count' | 'by')[]> = {
  pin: ['position'],
  boost: ['factor'],
  bury: ['factor'],
  hide: [],
  require: ['count'],
  cap: ['count', 'by'],
};

export function formOf(rule: Rule | null): RuleForm {
  const text = (value: number | undefined, fallback: string) =>
    value === undefined ? fallback : String(value);
  const action = rule?.action;
  return {
    name: rule?.name ?? '',
    enabled: rule?.enabled ?? true,
    priority: text(rule?.priority, '100'),
    action: action?.type ?? 'boost',
    position: text(action?.position, '1'),
    factor: text(action?.factor, '2'),
    count: text(action?.count, '1'),
    by: action?.by ?? 'brand',
    products: rule?.products ?? '',
    placements: rule?.placements ?? [],
    shoppers: rule?.audience?.shoppers ?? 'all',
    attributes: rule?.audience?.filter ?? '',
    from: rule?.schedule?.from ?? '',
    until: rule?.schedule?.until ?? '',
    days: rule?.schedule?.days ?? [],
    hoursFrom: rule?.schedule?.hours?.from ?? '',
    hoursUntil: rule?.schedule?.hours?.until ?? '',
  };
}

/** What is left out is no restriction. Whether the rest is right is the server's to say. */
export function inputOf(form: RuleForm): RuleInput {
  const number = (text: string) => Number(text.normalize('NFKC').trim());
  const action: RuleInput['action'] = { type: form.action };
  for (const part of partsOf[form.action]) {
    if (part === 'by') action.by = form.by;
    else action[part] = number(form[part]);
  }
  const schedule = {
    ...(form.from.trim() && { from: form.from.trim() }),
    ...(form.until.trim() && { until: form.until.trim() }),
    ...(form.days.length && { days: form.days }),
    ...(form.hoursFrom &&
      form.hoursUntil && { hours: { from: form.hoursFrom, until: form.hoursUntil } }),
  };
  const audience = {
    ...(form.shoppers !== 'all' && { shoppers: form.shoppers }),
    ...(form.attributes.trim() && { filter: form.attributes.trim() }),
  };
  return {
    name: form.name.trim(),
    enabled: form.enabled,
    priority: number(form.priority),
    action,
    ...(form.products.trim() && { products: form.products.trim() }),
    ...(form.placements.length && { placements: form.placements }),
    ...(Object.keys(schedule).length && { schedule }),
    ...(Object.keys(audience).length && { audience }),
  };
}

/** Fields that must be numbers and are none. */
export function wrongNumbers(form: RuleForm): string[] {
  const numbers = ['priority', ...partsOf[form.action].filter((part) => part !== 'by')] as const;
  return numbers.filter((name) => {
    const text = form[name].normalize('NFKC').trim();
    return text === '' || !Number.isFinite(Number(text));
  });
}
