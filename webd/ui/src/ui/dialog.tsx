// Dialogs and side panels on the native element, and the one question before a dangerous act.
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { Button, IconButton, Problem } from './basic';
import { useAction, useId } from './hooks';
import { TextField } from './field';

interface DialogProps {
  title: string;
  side?: boolean; // a panel from the right, for longer forms
  wide?: boolean;
  onClose: () => void;
  onSubmit?: () => void;
  footer?: ComponentChildren;
  error?: string | null;
  children: ComponentChildren;
}

export function Dialog(p: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const d = ref.current;
    if (!d) return undefined;
    const before = document.activeElement;
    d.showModal();
    const first = d.querySelector<HTMLElement>('[data-autofocus]') ?? d.querySelector<HTMLElement>('.dbody input:not([readonly]), .dbody textarea, .dbody select');
    first?.focus();
    return () => {
      d.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={`${p.side ? 'side' : 'box'} ${p.wide ? 'wide' : ''}`}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        p.onClose();
      }}
      onPointerDown={(e) => {
        if (e.target === ref.current && p.side) p.onClose();
      }}
    >
      <form
        method="dialog"
        onSubmit={(e) => {
          e.preventDefault();
          p.onSubmit?.();
        }}
      >
        <header>
          <h2 id={id}>{p.title}</h2>
          <span class="sp" />
          <IconButton small icon="x" label={t('action.close')} onClick={p.onClose} />
        </header>
        <div class="dbody">
          <Problem text={p.error ?? null} />
          {p.children}
        </div>
        {p.footer && <footer>{p.footer}</footer>}
      </form>
    </dialog>
  );
}

interface FormDialogProps {
  title: string;
  submit: string;
  side?: boolean;
  wide?: boolean;
  danger?: boolean;
  isValid?: boolean;
  onClose: () => void;
  onSubmit: () => Promise<unknown>; // throws ApiError; on success the dialog closes
  children: ComponentChildren;
}

/** A dialog with one form: it stays open, with the error, until the call succeeds. */
export function FormDialog(p: FormDialogProps) {
  const act = useAction();
  const submit = async (): Promise<void> => {
    if (p.isValid === false) return;
    if (await act.run(p.onSubmit)) p.onClose();
  };
  return (
    <Dialog
      title={p.title}
      side={p.side ?? false}
      wide={p.wide ?? false}
      onClose={p.onClose}
      onSubmit={() => void submit()}
      error={act.error}
      footer={
        <>
          <Button label={t('action.cancel')} onClick={p.onClose} />
          <Button
            submit
            kind={p.danger ? 'danger' : 'primary'}
            label={p.submit}
            busy={act.isBusy}
            deny={p.isValid === false ? t('field.incomplete') : null}
          />
        </>
      }
    >
      {p.children}
    </Dialog>
  );
}

export interface Question {
  title: string;
  text: ComponentChildren;
  action: string;
  typed?: string; // what must be typed, for what cannot be undone
  extra?: ComponentChildren;
  run: () => Promise<unknown>;
}

const question = signal<Question | null>(null);

/** Asks before something dangerous. The dialog says what is lost and shows the error of the act. */
export function ask(q: Question): void {
  question.value = q;
}

export function QuestionHost() {
  const q = question.value;
  return q && <QuestionDialog key={q.title} q={q} />;
}

function QuestionDialog({ q }: { q: Question }) {
  const [typed, setTyped] = useState('');
  return (
    <FormDialog
      title={q.title}
      submit={q.action}
      danger
      isValid={q.typed === undefined || typed.trim() === q.typed}
      onClose={() => (question.value = null)}
      onSubmit={q.run}
    >
      <div class="ask">{q.text}</div>
      {q.extra}
      {q.typed !== undefined && (
        <TextField autofocus mono label={t('ask.type', { text: q.typed })} value={typed} onInput={setTyped} />
      )}
    </FormDialog>
  );
}
