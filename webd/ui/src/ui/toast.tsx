// Short messages for what went well, with Undo where it can be taken back. Never for errors of the
// page: only a failed Undo comes here, because its place is gone.
import { signal } from '@preact/signals';
import { t } from '../i18n';
import { Button, IconButton } from './basic';
import { errorText } from './hooks';

interface Toast {
  id: number;
  text: string;
  isBad: boolean;
  undo: (() => Promise<unknown>) | null;
}

const SHOWN_MS = 4_000;
const UNDO_MS = 10_000;

const toasts = signal<Toast[]>([]);
let last = 0;

/** Shows a message; with `undo` for ten seconds and a button. */
export function toast(text: string, undo: (() => Promise<unknown>) | null = null): void {
  show({ id: ++last, text, isBad: false, undo });
}

function show(item: Toast): void {
  toasts.value = [...toasts.value.slice(-2), item];
  setTimeout(() => drop(item.id), item.undo || item.isBad ? UNDO_MS : SHOWN_MS);
}

function drop(id: number): void {
  toasts.value = toasts.value.filter((x) => x.id !== id);
}

export function ToastHost() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((x) => (
        <div key={x.id} class={x.isBad ? 'toast bad' : 'toast'}>
          <span class="grow">{x.text}</span>
          {x.undo && <Button small label={t('action.undo')} icon="undo" onClick={() => void undo(x)} />}
          <IconButton small icon="x" label={t('action.dismiss')} onClick={() => drop(x.id)} />
        </div>
      ))}
    </div>
  );
}

async function undo(item: Toast): Promise<void> {
  drop(item.id);
  try {
    await item.undo?.();
  } catch (e) {
    show({ id: ++last, text: t('toast.undoFailed', { why: errorText(e) }), isBad: true, undo: null });
  }
}
