import { useTexts } from '../texts';
import { CopyButton } from './copy';
import { Panel } from './page';

const COMMANDS = `aisle report decisions --from 2026-11-01 >decisions.jsonl
aisle eval ope --log decisions.jsonl`;

/** What is estimated from a log is computed on the machine; here stands how. */
export function OffPolicy() {
  const { experiments: x } = useTexts();
  return (
    <Panel title={x.ope} text={x.opeText}>
      <pre className="code">{COMMANDS}</pre>
      <CopyButton text={COMMANDS} />
      <p className="fine after">{x.opeDocs}</p>
    </Panel>
  );
}
