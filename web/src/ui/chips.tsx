import { useSettings } from '../state/settings';
import { Icon } from './icon';

export interface Chip {
  key: string;
  label: string;
  remove: () => void;
}

/** What restricts a list, each part removable. */
export function Chips({ chips, clear }: { chips: Chip[]; clear: () => void }) {
  const { t } = useSettings();
  if (chips.length === 0) return null;
  return (
    <ul className="chips" aria-label={t.filters.active}>
      {chips.map((chip) => (
        <li key={chip.key}>
          <button
            type="button"
            className="chip"
            aria-label={t.filters.remove(chip.label)}
            onClick={chip.remove}
          >
            {chip.label}
            <Icon name="close" />
          </button>
        </li>
      ))}
      <li>
        <button type="button" className="text-button" onClick={clear}>
          {t.filters.clear}
        </button>
      </li>
    </ul>
  );
}
