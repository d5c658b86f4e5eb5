import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHash, parseHash } from './router';

test('a hash is read into path and query', () => {
  const rows: [string, string[], Record<string, string>][] = [
    ['', [], {}],
    ['#/', [], {}],
    ['#/zones', ['zones'], {}],
    ['#/zones/example.com?type=MX&node=ns2', ['zones', 'example.com'], { type: 'MX', node: 'ns2' }],
    ['#/zones/.', ['zones', '.'], {}],
    ['#/zones/a%2Fb', ['zones', 'a/b'], {}],
    ['#?error=no+such%20user', [], { error: 'no such user' }],
    ['#/x?q=type:MX%20-a&flag', ['x'], { q: 'type:MX -a', flag: '' }],
    ['#/bad%zz', ['bad%zz'], {}],
  ];
  for (const [hash, path, query] of rows) assert.deepEqual(parseHash(hash), { path, query }, hash);
});

test('what is written is read back', () => {
  const rows: [string[], Record<string, string>][] = [
    [['zones', 'bücher.example'], { q: 'type:MX "two words" & = + #?' }],
    [['zones', 'a/b'], { node: 'ns2.dns.example.net', edit: 'x1' }],
    [['zones', '.'], {}],
  ];
  for (const [path, query] of rows) assert.deepEqual(parseHash(formatHash(path, query)), { path, query });
});

test('empty values leave the address', () => {
  assert.equal(formatHash(['zones'], { q: '', sort: null, node: undefined, x: false, n: 0 }), '#/zones?n=0');
});
