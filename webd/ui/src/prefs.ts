// Small choices that stay in this browser: row height, hidden columns.
import { signal } from '@preact/signals';

export type Density = 'comfortable' | 'compact';

function read(key: string): string | null {
  try {
    return localStorage.getItem(`trellis.${key}`);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(`trellis.${key}`, value);
  } catch {
    // Without storage the choice holds for this page.
  }
}

export const density = signal<Density>(read('density') === 'compact' ? 'compact' : 'comfortable');

export function setDensity(d: Density): void {
  density.value = d;
  write('density', d);
}

/** Single-letter keys may be turned off: speech input types them by accident. */
export const shortcutsOn = signal(read('keys') !== 'off');

export function setShortcuts(on: boolean): void {
  shortcutsOn.value = on;
  write('keys', on ? 'on' : 'off');
}

const hidden = signal<Record<string, string[]>>({});

/** The keys of the columns that the reader took out of a table. */
export function hiddenColumns(table: string): string[] {
  return hidden.value[table] ?? (read(`columns.${table}`) ?? '').split(',').filter((c) => c !== '');
}

export function setHiddenColumns(table: string, columns: string[]): void {
  hidden.value = { ...hidden.value, [table]: columns };
  write(`columns.${table}`, columns.join(','));
}
