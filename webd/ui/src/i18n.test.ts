import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { ago, apiTime, duration, longDuration, t } from './i18n';

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const path = `${dir}/${e.name}`;
    if (e.isDirectory()) return sources(path);
    return /\.tsx?$/.test(e.name) && !/\.test\.ts$|\.d\.ts$/.test(e.name) ? [path] : [];
  });
}

const catalogue = JSON.parse(readFileSync(PANEL_LANG, 'utf8')) as Record<string, string>;
const files = sources(PANEL_SOURCE).map((path) => ({ path, text: readFileSync(path, 'utf8') }));

test('every text that is used is in the catalogue', () => {
  for (const { path, text } of files) {
    for (const m of text.matchAll(/\bt\(\s*'([^']+)'/g)) assert.ok((m[1] ?? '') in catalogue, `${path}: ${m[1] ?? ''}`);
  }
});

test('every text of the catalogue is used', () => {
  const all = files.map((f) => f.text).join('\n');
  const made = [...all.matchAll(/`([\w.]*)\$\{/g)].map((m) => m[1] ?? '').filter((p) => p.includes('.'));
  const words = [...all.matchAll(/word\((?:'([\w.]+)'|`([\w.]+)\$)/g)].map((m) => `${m[1] ?? m[2] ?? ''}`);
  const prefixes = [...made, ...words, 'choice.', 'setting.'];
  for (const key of Object.keys(catalogue)) {
    assert.ok(all.includes(`'${key}'`) || prefixes.some((p) => p !== '' && key.startsWith(p)), `unused: ${key}`);
  }
});

test('no text stands in the code: between tags, and in labels', () => {
  for (const { path, text } of files.filter((f) => f.path.endsWith('.tsx'))) {
    const bare = /(?:>|\b(?:label|title|placeholder|hint|aria-label)=")([A-Z][a-z]+(?: [a-z]+)+)/.exec(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|^import.*$/gm, ''));
    assert.equal(bare?.[1], undefined, path);
  }
});

test('places and plurals are filled in', () => {
  assert.equal(t('zones.count', { n: 1 }), '1 zone');
  assert.equal(t('zones.count', { n: 0 }), '0 zones');
  assert.equal(t('record.saved', { name: 'www', type: 'A' }), 'www A saved');
});

test('times', () => {
  assert.equal(apiTime('0001-01-01T00:00:00Z'), null);
  assert.equal(apiTime('2026-11-23T10:00:00Z'), Date.UTC(2026, 10, 23, 10));
  assert.equal(apiTime('2026-11-23T10:00:00.1234567'), Date.UTC(2026, 10, 23, 10, 0, 0, 123));
  assert.equal(duration(59), '59 s');
  assert.equal(duration(3_550_000), '41 days');
  assert.equal(longDuration(90_000), '1 day 1 h');
  assert.equal(ago(Date.now()), 'now');
});
