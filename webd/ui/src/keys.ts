// Keys that work anywhere. Single letters do nothing while somebody types, or when turned off.
import { useEffect } from 'preact/hooks';
import { shortcutsOn } from './prefs';

export type Keys = Readonly<Record<string, () => void>>;

interface Layer {
  keys: Keys;
}

const layers: Layer[] = [];
let prefix = '';
let prefixUntil = 0;

const PREFIX_MS = 1_500; // how long "g" waits for its second letter

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('textarea, select, input:not([type=checkbox]):not([type=radio])'))
  );
}

function onKeyDown(e: KeyboardEvent): void {
  if (e.defaultPrevented || e.altKey) return;
  const isPalette = (e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k';
  if (!isPalette) {
    if (e.ctrlKey || e.metaKey || !shortcutsOn.value || isTyping(e.target)) return;
    if (document.querySelector('dialog[open]') || document.querySelector('.menu:popover-open')) return;
  }
  const name = isPalette ? 'ctrl k' : Date.now() < prefixUntil ? `${prefix} ${e.key}` : e.key;
  prefixUntil = 0;
  for (const layer of [...layers].reverse()) {
    const run = layer.keys[name];
    if (run) {
      e.preventDefault();
      run();
      return;
    }
  }
  if (layers.some((l) => Object.keys(l.keys).some((k) => k.startsWith(`${name} `) && name.length === 1))) {
    prefix = name;
    prefixUntil = Date.now() + PREFIX_MS;
  }
}

addEventListener('keydown', onKeyDown);

/** Binds keys while the component is there; the component that came last wins. */
export function useKeys(keys: Keys): void {
  useEffect(() => {
    const layer = { keys };
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  });
}

/** Puts the cursor into the filter of the page. */
export function focusFilter(): void {
  document.querySelector<HTMLInputElement>('[data-filter] input')?.focus();
}
