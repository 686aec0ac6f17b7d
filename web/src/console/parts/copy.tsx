import { useState } from 'react';
import { useNotices } from '../../state/notices';
import { Button } from '../../ui/button';
import { useTexts } from '../texts';

/** The clipboard needs a secure page (https or this machine); elsewhere the text is there to select. */
export function CopyButton({ text }: { text: string }) {
  const c = useTexts();
  const { announce } = useNotices();
  const [done, setDone] = useState(false);
  if (!window.isSecureContext) return null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      announce(c.copied);
    } catch {
      setDone(false);
    }
  };
  return <Button onClick={() => void copy()}>{done ? c.copied : c.copy}</Button>;
}
