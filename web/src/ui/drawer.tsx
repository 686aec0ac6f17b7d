import { useEffect, useId, useRef, type ReactNode } from 'react';
import { useSettings } from '../state/settings';
import { IconButton } from './button';
import { Icon } from './icon';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  footer?: ReactNode;
}

/** A modal over the native dialog element, which keeps the focus inside and closes on Escape. */
function Modal({ shape, ...props }: DialogProps & { shape: 'dialog' | 'drawer' }) {
  const { open, onClose, title, children, footer } = props;
  const { t } = useSettings();
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();

  useEffect(() => {
    const dialog = ref.current;
    if (open && !dialog?.open) dialog?.showModal();
    if (!open && dialog?.open) dialog.close();
  }, [open]);

  /* A press on the backdrop lands on the dialog element itself. The keyboard has Escape. */
  useEffect(() => {
    const dialog = ref.current;
    const outside = (event: PointerEvent) => event.target === dialog && onClose();
    dialog?.addEventListener('pointerdown', outside);
    return () => dialog?.removeEventListener('pointerdown', outside);
  }, [onClose]);

  return (
    <dialog ref={ref} className={shape} aria-labelledby={titleId} onClose={onClose}>
      {open && (
        <div className="dialog-body">
          <div className="dialog-head">
            <h2 id={titleId}>{title}</h2>
            <IconButton label={t.close} onClick={onClose}>
              <Icon name="close" />
            </IconButton>
          </div>
          <div className="dialog-content">{children}</div>
          {footer && <div className="dialog-foot">{footer}</div>}
        </div>
      )}
    </dialog>
  );
}

export const Dialog = (props: DialogProps) => <Modal {...props} shape="dialog" />;
export const Drawer = (props: DialogProps) => <Modal {...props} shape="drawer" />;
