// A text input with a list of proposals, by the ARIA combobox pattern: arrows move, Enter takes,
// Escape closes. The list is a popover, so that no dialog cuts it off.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useId } from './hooks';
import { place } from './menu';

export interface Choice {
  value: string;
  label?: string;
  hint?: string;
}

interface Props {
  label: string;
  value: string;
  choices: readonly Choice[];
  onInput: (v: string) => void;
  onChoose: (v: string) => void;
  onKeyDown?: (e: KeyboardEvent) => void;
  placeholder?: string;
  inputClass?: string;
  inputId?: string;
  describedBy?: string | undefined;
  invalid?: boolean;
  picksFirst?: boolean; // Enter takes the first proposal even when none is marked
  opensOnFocus?: boolean;
}

export function Combobox(p: Props) {
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const pop = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const shown = isOpen && p.choices.length > 0;
  const at = Math.min(active, p.choices.length - 1);

  useLayoutEffect(() => {
    const el = pop.current;
    if (!el || !shown || !input.current) return;
    if (!el.matches(':popover-open')) el.showPopover();
    el.style.minWidth = `${Math.min(input.current.offsetWidth, 360)}px`;
    place(el, input.current, false);
  });
  useEffect(() => {
    pop.current?.querySelector(`[data-i="${at}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [at]);

  const take = (c: Choice | undefined): void => {
    if (!c) return;
    setOpen(false);
    setActive(-1);
    p.onChoose(c.value);
  };
  const onKey = (e: KeyboardEvent): void => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      const step = e.key === 'ArrowDown' ? 1 : -1;
      setOpen(true);
      setActive(p.choices.length === 0 ? -1 : (at + step + p.choices.length) % p.choices.length);
      return;
    }
    if (e.key === 'Enter' && shown && (at >= 0 || p.picksFirst)) {
      e.preventDefault();
      take(p.choices[Math.max(0, at)]);
      return;
    }
    if (e.key === 'Escape' && shown) {
      e.preventDefault();
      e.stopPropagation();
      setOpen(false);
      return;
    }
    p.onKeyDown?.(e);
  };

  return (
    <>
      <input
        ref={input}
        id={p.inputId}
        class={p.inputClass ?? ''}
        role="combobox"
        aria-label={p.inputId ? undefined : p.label}
        aria-expanded={shown}
        aria-controls={shown ? list : undefined}
        aria-autocomplete="list"
        aria-activedescendant={shown && at >= 0 ? `${list}-${at}` : undefined}
        aria-describedby={p.describedBy}
        aria-invalid={p.invalid || undefined}
        autocomplete="off"
        spellcheck={false}
        autocapitalize="off"
        placeholder={p.placeholder}
        value={p.value}
        onInput={(e) => {
          setOpen(true);
          setActive(-1);
          p.onInput(e.currentTarget.value);
        }}
        onFocus={() => p.opensOnFocus && setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKey}
      />
      {shown && (
        <div ref={pop} popover="manual" class="menu list" role="listbox" id={list} aria-label={p.label}>
          {p.choices.map((c, i) => (
            <div
              key={c.value}
              id={`${list}-${i}`}
              data-i={i}
              class="item"
              role="option"
              aria-selected={i === at}
              onPointerDown={(e) => {
                e.preventDefault();
                take(c);
              }}
            >
              <span class="grow">{c.label ?? c.value}</span>
              {c.hint && <small>{c.hint}</small>}
            </div>
          ))}
        </div>
      )}
    </>
  );
}
