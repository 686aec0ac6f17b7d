import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes } from 'react';
import { MAX_QUANTITY } from '../state/cart';
import { useSettings } from '../state/settings';
import { IconButton } from './button';
import { Icon } from './icon';

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string;
  error?: string;
}

export function Field({ label, hint, error, id, ...rest }: FieldProps) {
  const own = useId();
  const inputId = id ?? own;
  return (
    <div className="field" data-invalid={error ? '' : undefined}>
      <label htmlFor={inputId}>
        {label} {hint && <span className="field-hint">{hint}</span>}
      </label>
      <input
        {...rest}
        id={inputId}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${inputId}-error` : undefined}
      />
      {error && (
        <p className="field-error" id={`${inputId}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

interface SelectProps extends SelectHTMLAttributes<HTMLSelectElement> {
  label: string;
  inline?: boolean;
  children: ReactNode;
}

export function Select({ label, inline = false, children, id, ...rest }: SelectProps) {
  const own = useId();
  const selectId = id ?? own;
  return (
    <div className={inline ? 'field field-inline' : 'field'}>
      <label htmlFor={selectId}>{label}</label>
      <span className="select">
        <select {...rest} id={selectId}>
          {children}
        </select>
        <Icon name="down" />
      </span>
    </div>
  );
}

/** A choice that takes effect at once. */
export function Switch(props: {
  label: string;
  text?: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}) {
  const id = useId();
  return (
    <div className="switch-row">
      <div>
        <label htmlFor={id}>{props.label}</label>
        {props.text && <p id={`${id}-text`}>{props.text}</p>}
      </div>
      <button
        type="button"
        role="switch"
        id={id}
        className="switch"
        aria-checked={props.checked}
        aria-describedby={props.text ? `${id}-text` : undefined}
        disabled={props.disabled}
        onClick={() => props.onChange(!props.checked)}
      />
    </div>
  );
}

export function Quantity(props: {
  label: string;
  value: number;
  max?: number | null;
  disabled?: boolean;
  onChange: (value: number) => void;
}) {
  const { t } = useSettings();
  const { value, onChange, disabled } = props;
  const max = Math.max(1, Math.min(props.max ?? MAX_QUANTITY, MAX_QUANTITY));
  return (
    <div className="quantity" role="group" aria-label={props.label}>
      <IconButton
        label={t.product.fewer}
        disabled={disabled || value <= 1}
        onClick={() => onChange(value - 1)}
      >
        <Icon name="minus" />
      </IconButton>
      <output aria-live="polite">{value}</output>
      <IconButton
        label={t.product.more}
        disabled={disabled || value >= max}
        onClick={() => onChange(value + 1)}
      >
        <Icon name="plus" />
      </IconButton>
    </div>
  );
}
