/* publishing.tsx - putting a version in front of shoppers, and taking it back. */
import { useState } from 'react';
import { useNotices } from '../../state/notices';
import { Button } from '../../ui/button';
import type { ModelVersion } from '../api';
import { useSettings } from '../../state/settings';
import { verdictText } from '../lib/verdict';
import { useConsole } from '../session';
import { useTexts } from '../texts';
import { Confirm } from './confirm';
import { Status } from './page';

export function ModelStatus({ model }: { model: ModelVersion }) {
  const c = useTexts();
  if (model.live) return <Status tone="good">{c.models.states.live}</Status>;
  const tone = model.state === 'rejected' ? 'bad' : 'plain';
  return <Status tone={tone}>{c.models.states[model.state]}</Status>;
}

/** A version that its gates refused is published only by somebody who says that they have read why. */
export function PublishButton(props: {
  model: ModelVersion;
  live: ModelVersion | undefined;
  changed: () => void;
  primary?: boolean;
}) {
  const { model, live } = props;
  const c = useTexts();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const { locale } = useSettings();
  const [asking, setAsking] = useState(false);
  const [read, setRead] = useState(false);
  const force = model.state !== 'passed';
  if (model.live) return null;
  const publish = async (once: string) => {
    await api.publish(model.family, model.version, force, once);
    toast(c.models.published(model.version));
    props.changed();
  };
  const open = () => {
    setRead(false);
    setAsking(true);
  };
  return (
    <>
      <Button
        look={props.primary ? 'primary' : 'plain'}
        disabled={shop.read_only}
        aria-label={`${c.models.publish} ${model.version}`}
        onClick={open}
      >
        {c.models.publish}
      </Button>
      {asking && (
        <Confirm
          title={c.models.publishTitle(model.version)}
          action={force ? c.models.publishAnyway : c.models.publish}
          danger={force}
          blocked={force && !read}
          run={publish}
          close={() => setAsking(false)}
        >
          <p>{live ? c.models.publishText(live.version) : c.models.publishFirst}</p>
          {force && (
            <>
              <p>
                {c.models.forceText} <strong>{verdictText(model.manifest, c, locale)}</strong>
              </p>
              <label className="check">
                <input
                  type="checkbox"
                  checked={read}
                  onChange={(event) => setRead(event.target.checked)}
                />
                <span className="check-label">{c.models.forceConfirm}</span>
              </label>
            </>
          )}
        </Confirm>
      )}
    </>
  );
}

export function RollbackButton(props: {
  live: ModelVersion | undefined;
  models: ModelVersion[];
  changed: () => void;
}) {
  const { live, models } = props;
  const c = useTexts();
  const { api, shop } = useConsole();
  const { toast } = useNotices();
  const [asking, setAsking] = useState(false);
  /* Only to a version that is still there. */
  const before = models.find((m) => m.family === live?.family && m.version === live.previous);
  if (!live || !before) return null;
  const rollBack = async (once: string) => {
    await api.rollback(live.family, once);
    toast(c.models.rolledBack);
    props.changed();
  };
  return (
    <>
      <Button disabled={shop.read_only} onClick={() => setAsking(true)}>
        {c.models.rollback}
      </Button>
      {asking && (
        <Confirm
          title={c.models.rollbackTitle}
          action={c.models.rollback}
          danger
          run={rollBack}
          close={() => setAsking(false)}
        >
          <p>{c.models.rollbackText(live.version, before.version)}</p>
        </Confirm>
      )}
    </>
  );
}
