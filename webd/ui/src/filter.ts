// The filter line: words, "key:value" terms, "-" in front for "not", "*" and "?" as wildcards.
// Terms of one key are alternatives, different keys narrow each other.

export interface Term {
  key: string | null; // null: any text
  value: string;
  negate: boolean;
}

/** Splits a filter into terms. Only the given keys count as keys: "fd00::1" stays one word. */
export function parseFilter(text: string, keys: readonly string[]): Term[] {
  const out: Term[] = [];
  for (const m of text.matchAll(/(-?)(?:([a-z]+):)?("([^"]*)"?|\S+)/gi)) {
    const [whole, minus, key, value, quoted] = m;
    const known = key !== undefined && keys.includes(key.toLowerCase());
    if (!known && key !== undefined) {
      out.push(plain(whole));
      continue;
    }
    const v = quoted ?? value ?? '';
    if (v === '') continue;
    out.push({ key: known ? key.toLowerCase() : null, value: v, negate: minus === '-' && (known || v !== '-') });
  }
  return out;
}

function plain(word: string): Term {
  const negate = word.startsWith('-') && word.length > 1;
  return { key: null, value: negate ? word.slice(1) : word, negate };
}

export function formatTerm(term: Term): string {
  const v = /\s/.test(term.value) ? `"${term.value}"` : term.value;
  return `${term.negate ? '-' : ''}${term.key === null ? '' : `${term.key}:`}${v}`;
}

export interface FilterField<R> {
  text: (row: R) => string;
  isExact?: boolean; // the whole value must be equal; else a part is enough
}

/** Makes the test that a row must pass. */
export function compileFilter<R>(
  terms: readonly Term[],
  fields: Readonly<Record<string, FilterField<R>>>,
  anyText: (row: R) => string,
): (row: R) => boolean {
  const groups = new Map<string, ((row: R) => boolean)[]>();
  const all: ((row: R) => boolean)[] = [];
  for (const term of terms) {
    const field = term.key === null ? undefined : fields[term.key];
    const match = matcher(term.value, field?.isExact === true);
    const read = field ? field.text : anyText;
    const test = (row: R): boolean => match(read(row).toLowerCase());
    if (term.negate) all.push((row) => !test(row));
    else if (term.key === null) all.push(test);
    else groups.set(term.key, [...(groups.get(term.key) ?? []), test]);
  }
  for (const tests of groups.values()) all.push((row) => tests.some((f) => f(row)));
  return (row) => all.every((f) => f(row));
}

function matcher(value: string, isExact: boolean): (text: string) => boolean {
  const v = value.toLowerCase();
  if (/[*?]/.test(v)) {
    const source = v.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
    const re = new RegExp(`^${source}$`, 's');
    return (text) => re.test(text);
  }
  return isExact ? (text) => text === v : (text) => text.includes(v);
}
