// Form fields: label above, hint below, error in the place of the hint.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { formatTtl, num, parseTtl, t } from '../i18n';
import { checkList, splitList, type Check } from '../validate';
import { useId } from './hooks';
import { IconButton } from './basic';

interface Common {
  label: string;
  hint?: ComponentChildren;
  error?: string | null;
  wide?: boolean;
  badge?: ComponentChildren;
}

interface FrameProps extends Common {
  id: string;
  children: ComponentChildren;
}

function Frame({ id, label, hint, error, wide, badge, children }: FrameProps) {
  const bad = error !== undefined && error !== null && error !== '';
  return (
    <div class={`fld ${wide ? 'wide' : ''} ${bad ? 'bad' : ''}`}>
      <span class="lab">
        <label for={id}>{label}</label>
        {badge}
      </span>
      {children}
      {bad ? (
        <span class="err" id={`${id}-h`}>
          {error}
        </span>
      ) : (
        hint !== undefined && (
          <span class="hint" id={`${id}-h`}>
            {hint}
          </span>
        )
      )}
    </div>
  );
}

const describe = (id: string, p: Common) => ({
  id,
  'aria-invalid': p.error ? true : undefined,
  'aria-describedby': p.error || p.hint !== undefined ? `${id}-h` : undefined,
});

interface TextProps extends Common {
  value: string;
  onInput: (v: string) => void;
  type?: 'text' | 'password';
  mono?: boolean;
  autocomplete?: string;
  inputMode?: 'numeric' | 'text' | 'url';
  placeholder?: string;
  readOnly?: boolean;
  autofocus?: boolean;
  name?: string;
  suggestions?: readonly string[];
  unit?: string;
}

export function TextField(p: TextProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const isPassword = p.type === 'password';
  return (
    <Frame {...p} id={id}>
      <span class={`inp ${isPassword || p.unit ? 'with' : ''}`}>
        <input
          {...describe(id, p)}
          {...(isPassword && !shown ? { type: 'password' as const } : { type: 'text' as const, ...(p.suggestions ? { list: `${id}-l` } : {}) })}
          class={p.mono ? 'mono' : ''}
          name={p.name}
          value={p.value}
          readOnly={p.readOnly}
          autocomplete={p.autocomplete ?? 'off'}
          inputMode={p.inputMode}
          placeholder={p.placeholder}
          spellcheck={false}
          autocapitalize="off"
          data-autofocus={p.autofocus || undefined}
          onInput={(e) => p.onInput(e.currentTarget.value)}
        />
        {isPassword && (
          <IconButton small icon="eye" label={t(shown ? 'field.hide' : 'field.show')} onClick={() => setShown(!shown)} />
        )}
        {p.unit && <span class="unit">{p.unit}</span>}
        {p.suggestions && (
          <datalist id={`${id}-l`}>
            {p.suggestions.map((s) => (
              <option key={s} value={s} />
            ))}
          </datalist>
        )}
      </span>
    </Frame>
  );
}

/** A length of time: seconds or "1h30m"; the other form stands below. */
export function TtlField(p: Omit<TextProps, 'mono'>) {
  const seconds = parseTtl(p.value);
  const other =
    p.value.trim() === '' || seconds === null
      ? p.hint
      : /^\d+$/.test(p.value.trim())
        ? formatTtl(seconds)
        : t('field.seconds', { n: seconds });
  return <TextField {...p} mono hint={other} />;
}

/** Several entries, one a line. */
export function ListField(p: TextProps & { rows?: number; check?: Check }) {
  const id = useId();
  const bad = p.check ? checkList(p.value, p.check) : null;
  const error = p.error ?? (bad === null ? null : t('field.badLine', { entry: bad.entry, why: t(bad.wrong) }));
  const n = splitList(p.value).length;
  const q = { ...p, error, hint: n > 0 ? t('field.entries', { n }) : p.hint };
  return (
    <Frame {...q} id={id}>
      <textarea
        {...describe(id, q)}
        class="mono"
        rows={p.rows ?? Math.min(8, Math.max(2, p.value.split('\n').length))}
        value={p.value}
        readOnly={p.readOnly}
        placeholder={p.placeholder}
        spellcheck={false}
        autocapitalize="off"
        data-autofocus={p.autofocus || undefined}
        onInput={(e) => p.onInput(e.currentTarget.value)}
      />
    </Frame>
  );
}

export function AreaField(p: TextProps & { rows?: number }) {
  const id = useId();
  return (
    <Frame {...p} id={id}>
      <textarea
        {...describe(id, p)}
        class={p.mono ? 'mono' : ''}
        rows={p.rows ?? 4}
        value={p.value}
        readOnly={p.readOnly}
        placeholder={p.placeholder}
        spellcheck={false}
        onInput={(e) => p.onInput(e.currentTarget.value)}
      />
    </Frame>
  );
}

export interface Option {
  value: string;
  label: string;
  disabled?: boolean;
}

interface SelectProps extends Common {
  value: string;
  options: readonly Option[];
  onChange: (v: string) => void;
  disabled?: boolean;
}

export function SelectField(p: SelectProps) {
  const id = useId();
  return (
    <Frame {...p} id={id}>
      <select {...describe(id, p)} value={p.value} disabled={p.disabled} onChange={(e) => p.onChange(e.currentTarget.value)}>
        {p.options.map((o) => (
          <option key={o.value} value={o.value} disabled={o.disabled}>
            {o.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

interface CheckProps {
  label: string;
  hint?: ComponentChildren;
  checked: boolean;
  onChange: (v: boolean) => void;
  badge?: ComponentChildren;
  disabled?: boolean;
  aria?: string; // what the box is for, where the label beside it only says on or off
}

export function CheckField(p: CheckProps) {
  const id = useId();
  return (
    <div class="chk">
      <input
        id={id}
        type="checkbox"
        checked={p.checked}
        disabled={p.disabled}
        aria-label={p.aria}
        aria-describedby={p.hint !== undefined ? `${id}-h` : undefined}
        onChange={(e) => p.onChange(e.currentTarget.checked)}
      />
      <div>
        <span class="lab">
          <label for={id}>{p.label}</label>
          {p.badge}
        </span>
        {p.hint !== undefined && (
          <span class="hint" id={`${id}-h`}>
            {p.hint}
          </span>
        )}
      </div>
    </div>
  );
}

interface FileProps extends Common {
  accept?: string;
  file: File | null;
  onPick: (f: File | null) => void;
}

export function FileField(p: FileProps) {
  const id = useId();
  const hint = p.file ? t('field.fileSize', { n: num(Math.ceil(p.file.size / 1024)) }) : p.hint;
  const q = { ...p, hint };
  return (
    <Frame {...q} id={id}>
      <input
        {...describe(id, q)}
        type="file"
        accept={p.accept}
        onChange={(e) => p.onPick(e.currentTarget.files?.[0] ?? null)}
      />
    </Frame>
  );
}

interface RadioProps<V extends string> {
  label: string;
  value: V;
  options: readonly { value: V; label: string; hint?: string; disabled?: boolean }[];
  onChange: (v: V) => void;
}

export function RadioGroup<V extends string>({ label, value, options, onChange }: RadioProps<V>) {
  const id = useId();
  return (
    <fieldset class="radios">
      <legend>{label}</legend>
      {options.map((o) => (
        <label key={o.value} class="radio">
          <input
            type="radio"
            name={id}
            checked={o.value === value}
            disabled={o.disabled}
            onChange={() => onChange(o.value)}
          />
          <span>
            {o.label}
            {o.hint && <small>{o.hint}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
