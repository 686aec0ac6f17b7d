/* notices.tsx - toasts, and the live region that speaks to screen readers. */
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from 'react';
import { Icon } from '../ui/icon';
import { useSettings } from './settings';

interface Toast {
  id: number;
  text: string;
  tone: 'good' | 'bad';
  action?: { label: string; run: () => void };
}

interface Notices {
  toast: (text: string, options?: Partial<Pick<Toast, 'tone' | 'action'>>) => void;
  announce: (text: string) => void;
}

const STAY_MS = 6000;
const MAX_TOASTS = 3;
const Context = createContext<Notices | null>(null);

function ToastView({ toast, close }: { toast: Toast; close: () => void }) {
  const { t } = useSettings();
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(close, STAY_MS);
    return () => clearTimeout(timer);
  }, [held, close]);
  return (
    <li
      className="toast"
      data-tone={toast.tone}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Icon name={toast.tone === 'good' ? 'check' : 'alert'} />
      <span className="toast-text">{toast.text}</span>
      {toast.action && (
        <button
          type="button"
          className="toast-action"
          onClick={() => {
            toast.action?.run();
            close();
          }}
        >
          {toast.action.label}
        </button>
      )}
      <button type="button" className="toast-close" aria-label={t.close} onClick={close}>
        <Icon name="close" />
      </button>
    </li>
  );
}

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const [spoken, setSpoken] = useState('');
  const sequence = useRef(0);

  const announce = useCallback((text: string) => {
    // A region speaks only when its text changes, so it is emptied first.
    setSpoken('');
    setTimeout(() => setSpoken(text), 50);
  }, []);

  const toast = useCallback<Notices['toast']>((text, options = {}) => {
    const next: Toast = { id: ++sequence.current, text, tone: 'good', ...options };
    setToasts((list) => [...list.filter((old) => old.text !== text), next].slice(-MAX_TOASTS));
  }, []);

  const close = useCallback(
    (id: number) => setToasts((list) => list.filter((old) => old.id !== id)),
    [],
  );

  const value = useMemo(() => ({ toast, announce }), [toast, announce]);
  return (
    <Context.Provider value={value}>
      {children}
      <div className="sr-only" aria-live="polite">
        {spoken}
      </div>
      <div className="toasts" role="status">
        <ul>
          {toasts.map((item) => (
            <ClosableToast key={item.id} toast={item} close={close} />
          ))}
        </ul>
      </div>
    </Context.Provider>
  );
}

function ClosableToast({ toast, close }: { toast: Toast; close: (id: number) => void }) {
  const closeThis = useCallback(() => close(toast.id), [close, toast.id]);
  return <ToastView toast={toast} close={closeThis} />;
}

export function useNotices(): Notices {
  const value = useContext(Context);
  if (!value) throw new Error('useNotices outside of NoticesProvider');
  return value;
}
