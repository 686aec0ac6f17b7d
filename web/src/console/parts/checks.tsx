/* checks.tsx - some of a few names. */

const toggled = (list: string[], name: string) =>
  list.includes(name) ? list.filter((other) => other !== name) : [...list, name];

export function Checks(props: {
  legend: string;
  hint?: string;
  error?: string;
  options: readonly string[];
  label: (name: string) => string;
  value: string[];
  onChange: (value: string[]) => void;
}) {
  return (
    <fieldset className="checks inline">
      <legend className="label">
        {props.legend} {props.hint && <span className="field-hint">{props.hint}</span>}
      </legend>
      {props.options.map((name) => (
        <label key={name} className="check">
          <input
            type="checkbox"
            checked={props.value.includes(name)}
            onChange={() => props.onChange(toggled(props.value, name))}
          />
          <span className="check-label">{props.label(name)}</span>
        </label>
      ))}
      {props.error && (
        <p className="field-error" role="alert">
          {props.error}
        </p>
      )}
    </fieldset>
  );
}
