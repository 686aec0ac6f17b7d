/* confirm.tsx - the one way to ask before something is done that others will notice. */
import { useState, type ReactNode } from 'react';
import { isAbort } from '../../api/client';
import { uuid7 } from '../../lib/ids';
import { errorText } from '../../lib/error-text';
import { useSettings } from '../../state/settings';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/drawer';
import { useTexts } from '../texts';

interface ConfirmProps {
  title: string;
  action: string;
  danger?: boolean;
  blocked?: boolean;
  /** What is done; `once` stays the same however often it is tried, so that it is done once. */
  run: (once: string) => Promise<void>;
  close: () => void;
  keep?: string;
  /** What was chosen in the dialog: with another choice it is another intention. */
  again?: string;
  children: ReactNode;
}

/** Mount it to ask, unmount it to be done with. */
export function Confirm(props: ConfirmProps) {
  const { t } = useSettings();
  const c = useTexts();
  const [intention, setIntention] = useState(() => ({ of: props.again, once: uuid7(Date.now()) }));
  if (intention.of !== props.again) setIntention({ of: props.again, once: uuid7(Date.now()) });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const confirm = async () => {
    setBusy(true);
    setError(null);
    try {
      await props.run(intention.once);
      props.close();
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
      title={props.title}
      footer={
        <>
          <Button onClick={props.close}>{props.keep ?? c.cancel}</Button>
          <Button
            look={props.danger ? 'danger' : 'primary'}
            busy={busy}
            disabled={props.blocked}
            onClick={() => void confirm()}
          >
            {props.action}
          </Button>
        </>
      }
    >
      <div className="prose">{props.children}</div>
      {error !== null && (
        <p className="field-error" role="alert">
          {errorText(error, t)}
        </p>
      )}
    </Dialog>
  );
}
