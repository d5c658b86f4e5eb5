// Words, numbers, dates. Every text of the panel is a row of lang/en.json; `{name}` is replaced,
// `{n|one|other}` picks by the plural rule of n.
import en from '../lang/en.json';

export type Key = keyof typeof en;

const catalogue: Record<string, string> = en;
const locale = typeof navigator === 'undefined' ? 'en' : navigator.language || 'en';
const plural = new Intl.PluralRules('en');
const numberFormat = new Intl.NumberFormat(locale);
const dateFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
const timeFormat = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });

/** The text of a key, with its places filled in. */
export function t(key: Key, args: Record<string, string | number> = {}): string {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name: string, one?: string, other?: string) => {
    const value = args[name];
    if (one !== undefined && other !== undefined) {
      const n = Number(value);
      return (plural.select(n) === 'one' ? one : other).replace('#', num(n));
    }
    return typeof value === 'number' ? num(value) : String(value ?? '');
  });
}

/** True when the catalogue has the key; for keys that are put together from API words. */
export function hasKey(key: string): key is Key {
  return key in catalogue;
}

/** A text by a key made from an API word; the word itself where the catalogue has none. */
export function word(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return hasKey(key) ? t(key) : value;
}

export function num(n: number): string {
  return numberFormat.format(n);
}

/** Milliseconds of an API date, or null for "never" (0001-01-01). */
export function apiTime(date: string | null | undefined): number | null {
  if (!date || date.startsWith('0001-01-01')) return null;
  const ms = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(date) ? date : `${date}Z`);
  return Number.isNaN(ms) ? null : ms;
}

export function dateTime(ms: number): string {
  return dateFormat.format(ms);
}

export function clockTime(ms: number): string {
  return timeFormat.format(ms);
}

const UNITS: readonly (readonly [number, Key])[] = [
  [86400, 'time.days'],
  [3600, 'time.hours'],
  [60, 'time.minutes'],
  [1, 'time.seconds'],
];

/** A length of time in its greatest unit: "41 days", "6 min", "4 s". */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const [size, key] = UNITS.find(([u]) => s >= u) ?? [1, 'time.seconds' as Key];
  return t(key, { n: Math.floor(s / size) });
}

/** Two units: "41 days 3 h". */
export function longDuration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const i = UNITS.findIndex(([u]) => s >= u);
  const first = UNITS[i];
  const second = UNITS[i + 1];
  if (!first || !second) return duration(s);
  const rest = Math.floor((s % first[0]) / second[0]);
  const head = t(first[1], { n: Math.floor(s / first[0]) });
  return rest === 0 ? head : `${head} ${t(second[1], { n: rest })}`;
}

/** "6 min ago", "now". */
export function ago(ms: number, now: number = Date.now()): string {
  const s = Math.floor((now - ms) / 1000);
  return s < 2 ? t('time.now') : t('time.ago', { time: duration(s) });
}

/** "in 3 days", or "now" when it is over. */
export function until(ms: number, now: number = Date.now()): string {
  const s = Math.floor((ms - now) / 1000);
  return s < 1 ? t('time.now') : t('time.in', { time: duration(s) });
}

const TTL_UNITS: Readonly<Record<string, number>> = { w: 604800, d: 86400, h: 3600, m: 60, s: 1 };

/** Seconds of "3600", "1h", "1w2d"; null when it is neither. */
export function parseTtl(text: string): number | null {
  const s = text.trim().toLowerCase();
  if (/^\d{1,10}$/.test(s)) return checkTtl(Number(s));
  if (!/^(\d{1,10}[wdhms])+$/.test(s)) return null;
  let total = 0;
  for (const [, n, u] of s.matchAll(/(\d+)([wdhms])/g)) total += Number(n) * (TTL_UNITS[u ?? 's'] ?? 1);
  return checkTtl(total);
}

const checkTtl = (n: number): number | null => (n <= 0x7fffffff ? n : null);

/** "1h", "1d12h": the short form of seconds. */
export function formatTtl(seconds: number): string {
  if (seconds === 0) return '0s';
  let rest = Math.floor(seconds);
  let out = '';
  for (const [u, size] of Object.entries(TTL_UNITS)) {
    const n = Math.floor(rest / size);
    if (n > 0) out += `${n}${u}`;
    rest %= size;
  }
  return out;
}
