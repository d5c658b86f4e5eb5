// One menu for the whole panel, shown as a popover beside the button that asked for it.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icons';

export interface MenuItem {
  label: string;
  icon?: IconName;
  run?: () => void;
  href?: string;
  danger?: boolean;
  checked?: boolean; // shown as a check item
  deny?: string | null; // why it is not possible now
  hint?: string;
}

export type MenuEntry = MenuItem | 'line';

interface Open {
  anchor: HTMLElement;
  label: string;
  entries: readonly MenuEntry[];
}

const open = signal<Open | null>(null);

/** Opens the menu beside `anchor`; focus goes back there when it closes. */
export function openMenu(anchor: HTMLElement, label: string, entries: readonly MenuEntry[]): void {
  open.value = open.value?.anchor === anchor ? null : { anchor, label, entries };
}

export function MenuHost() {
  return open.value && <MenuPopover key={open.value.label} menu={open.value} />;
}

function MenuPopover({ menu }: { menu: Open }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el) return undefined;
    el.showPopover();
    place(el, menu.anchor);
    el.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
    menu.anchor.setAttribute('aria-expanded', 'true');
    return () => menu.anchor.removeAttribute('aria-expanded');
  }, [menu]);
  const close = (back: boolean): void => {
    open.value = null;
    if (back) menu.anchor.focus();
  };
  return (
    <div
      ref={ref}
      popover="auto"
      class="menu"
      role="menu"
      aria-label={menu.label}
      onToggle={(e) => {
        if (e.newState === 'closed') open.value = null;
      }}
      onKeyDown={(e) => onKey(e, () => close(true))}
    >
      {menu.entries.map((entry, i) =>
        entry === 'line' ? <hr key={i} /> : <Row key={entry.label} item={entry} close={close} />,
      )}
    </div>
  );
}

function Row({ item, close }: { item: MenuItem; close: (back: boolean) => void }) {
  const off = (item.deny ?? '') !== '';
  const inner = (
    <>
      {item.checked !== undefined ? (
        <span class="tick">{item.checked && <Icon name="check" />}</span>
      ) : (
        item.icon && <Icon name={item.icon} />
      )}
      <span class="grow">
        {item.label}
        {item.hint && <small>{item.hint}</small>}
      </span>
    </>
  );
  const common = {
    class: item.danger ? 'item danger' : 'item',
    tabIndex: -1,
    title: item.deny ?? undefined,
    'aria-disabled': off || undefined,
  };
  if (item.href !== undefined && !off) {
    return (
      <a {...common} role="menuitem" href={item.href} onClick={() => close(false)}>
        {inner}
      </a>
    );
  }
  return (
    <button
      {...common}
      type="button"
      role={item.checked === undefined ? 'menuitem' : 'menuitemcheckbox'}
      aria-checked={item.checked}
      onClick={() => {
        if (off) return;
        close(true);
        item.run?.();
      }}
    >
      {inner}
    </button>
  );
}

function onKey(e: KeyboardEvent & { currentTarget: HTMLElement }, close: () => void): void {
  const items = [...e.currentTarget.querySelectorAll<HTMLElement>('[role^=menuitem]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const to = (i: number): void => items[(i + items.length) % items.length]?.focus();
  const moves: Record<string, () => void> = {
    ArrowDown: () => to(at + 1),
    ArrowUp: () => to(at - 1),
    Home: () => to(0),
    End: () => to(items.length - 1),
    Escape: close,
    Tab: close,
  };
  const move = moves[e.key];
  if (!move) return;
  e.preventDefault();
  e.stopPropagation();
  move();
}

const GAP = 4; // px between the button and what it opens
const EDGE = 8; // px that stay free at the window's edge

/** Puts a fixed element below its anchor, or above where there is more room. */
export function place(el: HTMLElement, anchor: HTMLElement, alignEnd = true): void {
  const a = anchor.getBoundingClientRect();
  const w = el.offsetWidth;
  const h = el.offsetHeight;
  const below = innerHeight - a.bottom - EDGE;
  const top = below >= h || below >= a.top ? a.bottom + GAP : Math.max(EDGE, a.top - GAP - h);
  const left = alignEnd ? a.right - w : a.left;
  el.style.top = `${Math.min(top, Math.max(EDGE, innerHeight - h - EDGE))}px`;
  el.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - w - EDGE))}px`;
}
