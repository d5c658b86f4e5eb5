import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTtl, parseTtl } from './i18n';
import { isIpv4, isIpv6, isName, isNetwork, isServer, reverseZone, splitList } from './validate';

const rows = (f: (s: string) => boolean, good: string[], bad: string[]): void => {
  for (const s of good) assert.ok(f(s), `good: ${s}`);
  for (const s of bad) assert.ok(!f(s), `bad: ${s}`);
};

test('addresses', () => {
  rows(isIpv4, ['192.0.2.1', '0.0.0.0', '255.255.255.255'], ['192.0.2', '192.0.2.256', '01.2.3.4', 'a.b.c.d', '']);
  rows(isIpv6, ['::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', 'fe80::1%eth0'], [':::', '1:2:3:4:5:6:7', '1::2::3', '12345::', 'g::', '']);
  rows(isNetwork, ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'], ['10.0.0.0/33', '::/129', '10.0.0.0/', 'a/8', '1/2/3']);
});

test('names and servers', () => {
  rows(isName, ['example.com', 'example.com.', '_sip._tcp.example', '*.example', 'bücher.example', '.', '@'], ['', 'a..b', '.a', 'a b', `${'x'.repeat(64)}.example`]);
  rows(isServer, ['192.0.2.1', '192.0.2.1:5353', '[2001:db8::1]:53', '2001:db8::1', 'ns1.example', 'ns1.example:53', 'ns1.example (192.0.2.1)', 'https://dns.example/dns-query'], ['192.0.2.1:99999', 'a b', '', 'ns1:0']);
});

test('a network names its reverse zone', () => {
  assert.equal(reverseZone('192.0.2.0/24'), '2.0.192.in-addr.arpa');
  assert.equal(reverseZone('10.0.0.0/8'), '10.in-addr.arpa');
  assert.equal(reverseZone('2001:db8::/32'), '8.b.d.0.1.0.0.2.ip6.arpa');
  assert.equal(reverseZone('192.0.2.0/25'), null);
  assert.equal(reverseZone('example.com'), null);
});

test('times are read and written', () => {
  const table: [string, number | null][] = [['3600', 3600], ['1h', 3600], ['1w2d3h4m5s', 788645], ['1H30M', 5400], ['0', 0], ['', null], ['1x', null], ['h', null], ['99999999999', null]];
  for (const [text, n] of table) assert.equal(parseTtl(text), n, text);
  for (const n of [0, 59, 60, 3600, 90061, 788645]) assert.equal(parseTtl(formatTtl(n)), n);
});

test('lists part at lines and commas', () => {
  assert.deepEqual(splitList(' a\n\nb, c ,\n'), ['a', 'b', 'c']);
});
