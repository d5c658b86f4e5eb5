// The filter line of a table: finished "key:value" terms become chips, the rest is typed text.
// "/" brings the focus here from anywhere on the page.
import { useState } from 'preact/hooks';
import { formatTerm, parseFilter, type Term } from '../filter';
import { t } from '../i18n';
import { Combobox, type Choice } from './combobox';
import { Icon } from './icons';

interface Props {
  label: string;
  placeholder: string;
  value: string;
  keys: Readonly<Record<string, readonly string[]>>; // key -> values to propose
  onChange: (v: string) => void;
}

const PROPOSALS_MAX = 12;

export function FilterLine(p: Props) {
  const keys = Object.keys(p.keys);
  const [draft, setDraft] = useState<{ from: string; text: string } | null>(null);
  const terms = parseFilter(p.value, keys);
  const chips = terms.filter((x) => x.key !== null);
  const words = terms.filter((x) => x.key === null);
  // What is being typed stays as typed while the filter says the same.
  const text = draft && draft.from === p.value ? draft.text : words.map(formatTerm).join(' ');

  const apply = (fixed: readonly Term[], typed: string): void => {
    const last = /\s$/.test(typed) ? '' : (typed.split(/\s+/).pop() ?? '');
    const parsed = parseFilter(typed, keys);
    const unfinished = parsed.filter((x) => x.key !== null && formatTerm(x) === last);
    const done = parsed.filter((x) => x.key !== null && !unfinished.includes(x));
    const rest = parsed.filter((x) => x.key === null && !keys.some((k) => formatTerm(x).replace(/^-/, '') === `${k}:`));
    const all = dedupe([...fixed, ...done]);
    const value = [...all, ...rest].map(formatTerm).join(' ');
    setDraft({ from: value, text: done.length > 0 ? [...rest.map(formatTerm), last].filter((s) => s !== '' && !done.some((d) => formatTerm(d) === s)).join(' ') : typed });
    p.onChange(value);
  };
  const add = (term: string): void => {
    const before = text.split(/\s+/).slice(0, -1).join(' ');
    if (term.endsWith(':')) {
      setDraft({ from: p.value, text: `${before === '' ? '' : `${before} `}${term}` });
      return;
    }
    const value = [...dedupe([...chips, ...parseFilter(term, keys)]).map(formatTerm), before].filter((s) => s !== '').join(' ');
    setDraft({ from: value, text: before });
    p.onChange(value);
  };

  return (
    <div class="finput" role="search" data-filter>
      <Icon name="search" />
      {chips.map((c) => (
        <span key={formatTerm(c)} class="term">
          {formatTerm(c)}
          <button
            type="button"
            aria-label={t('filter.remove', { term: formatTerm(c) })}
            onClick={() => p.onChange(terms.filter((x) => x !== c).map(formatTerm).join(' '))}
          >
            <Icon name="x" />
          </button>
        </span>
      ))}
      <Combobox
        label={p.label}
        placeholder={chips.length === 0 ? p.placeholder : t('filter.more')}
        value={text}
        choices={proposals(text, p.keys)}
        onInput={(v) => apply(chips, v)}
        onChoose={add}
        onKeyDown={(e) => {
          const last = chips.at(-1);
          if (e.key === 'Enter' && /:/.test(text)) apply(chips, `${text} `);
          else if (e.key === 'Backspace' && text === '' && last) {
            e.preventDefault();
            p.onChange(terms.filter((x) => x !== last).map(formatTerm).join(' '));
          } else if (e.key === 'Escape' && p.value !== '') {
            e.preventDefault();
            setDraft(null);
            p.onChange('');
          }
        }}
      />
      {p.value !== '' && (
        <button
          type="button"
          class="clear"
          aria-label={t('filter.clear')}
          onClick={() => {
            setDraft(null);
            p.onChange('');
          }}
        >
          <Icon name="x" />
        </button>
      )}
    </div>
  );
}

function dedupe(terms: readonly Term[]): Term[] {
  return [...new Map(terms.map((x) => [formatTerm(x), x])).values()];
}

/** Keys that start like the last word, or the values of the key before the colon. */
function proposals(text: string, keys: Readonly<Record<string, readonly string[]>>): Choice[] {
  const last = text.split(/\s+/).pop() ?? '';
  const m = /^(-?)([a-z]*)(:?)(.*)$/i.exec(last);
  if (!m || last === '') return [];
  const [, minus = '', key = '', colon, value = ''] = m;
  if (colon === ':') {
    const values = keys[key.toLowerCase()] ?? [];
    return values
      .filter((v) => v.toLowerCase().includes(value.toLowerCase()))
      .slice(0, PROPOSALS_MAX)
      .map((v) => ({ value: formatTerm({ key: key.toLowerCase(), value: v, negate: minus === '-' }), label: v }));
  }
  return Object.keys(keys)
    .filter((k) => k.startsWith(key.toLowerCase()))
    .map((k) => ({ value: `${minus}${k}:`, label: `${minus}${k}:` }));
}
