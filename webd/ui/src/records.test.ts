import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absoluteName, addParams, compareNames, conflict, identityParams, initialValues, lacksAddress, RECORD_TYPES, recordText, recordType, relativeName, replaceNames, updateParams, valuesOf } from './records';
import type { ZoneRecord } from './types';

const record = (name: string, type: string, rData: Record<string, unknown>, extra: Partial<ZoneRecord> = {}): ZoneRecord => ({ name, type, ttl: 3600, ttlString: '1h', disabled: false, rData, ...extra });

test('names in a zone', () => {
  const rows: [string, string, string][] = [
    ['@', 'example.com', 'example.com'],
    ['www', 'example.com', 'www.example.com'],
    ['a.b', 'example.com', 'a.b.example.com'],
    ['com', '', 'com'],
  ];
  for (const [rel, zone, abs] of rows) {
    assert.equal(absoluteName(rel, zone), abs);
    assert.equal(relativeName(abs, zone), rel);
  }
  assert.equal(absoluteName('www.example.com.', 'example.com'), 'www.example.com');
  assert.equal(absoluteName('', 'example.com'), 'example.com');
});

test('every type has a form that reads its own start, and a text', () => {
  for (const row of RECORD_TYPES) {
    const start = initialValues(row);
    assert.equal(Object.keys(start).length, row.fields.length, row.type);
    assert.equal(typeof row.text({}), 'string', row.type);
    for (const f of row.fields) if (f.kind === 'select') assert.ok(f.options?.includes(f.initial), `${row.type} ${f.param}`);
  }
});

test('an MX is added, changed and named', () => {
  const type = recordType('MX');
  const old = record('example.com', 'MX', { preference: 10, exchange: 'mx1.example.com' });
  assert.deepEqual(addParams(type, { preference: '20', exchange: 'mx2.example.com.' }, 'example.com'), { preference: '20', exchange: 'mx2.example.com' });
  assert.deepEqual(identityParams(type, old, 'example.com'), { preference: '10', exchange: 'mx1.example.com' });
  assert.deepEqual(updateParams(type, old, { ...valuesOf(type, old), preference: '5' }, 'example.com'), { preference: '10', exchange: 'mx1.example.com', newPreference: '5', newExchange: 'mx1.example.com' });
});

test('a CNAME has no old value in an update', () => {
  const type = recordType('CNAME');
  const old = record('www.example.com', 'CNAME', { cname: 'a.example' });
  assert.deepEqual(identityParams(type, old, 'example.com'), {});
  assert.deepEqual(updateParams(type, old, { cname: '@' }, 'example.com'), { cname: 'example.com' });
});

test('service parameters go out as a table', () => {
  const type = recordType('HTTPS');
  const out = addParams(type, { ...initialValues(type), svcParams: 'alpn=h2,h3\nport=443' }, 'example.com');
  assert.equal(out['svcParams'], 'alpn|h2,h3|port|443');
  assert.equal(addParams(type, initialValues(type), 'example.com')['svcParams'], 'false');
});

test('an unknown type keeps its hex', () => {
  const type = recordType('65280');
  assert.equal(addParams(type, { rdata: '0A:0b 0c' }, 'example.com')['rdata'], '0A0b0c');
  assert.equal(recordText(record('x', '65280', { value: '0A:0B' })), '0A:0B');
});

test('text is quoted, names end in a dot', () => {
  assert.equal(recordText(record('x', 'TXT', { text: 'say "hi"', characterStrings: ['say "hi"'] })), '"say \\"hi\\""');
  assert.equal(recordText(record('x', 'SRV', { priority: 1, weight: 2, port: 3, target: 'a.b' })), '1 2 3 a.b.');
});

test('words of the API become the numbers of a zone file', () => {
  assert.equal(recordText(record('x', 'TLSA', { certificateUsage: 'DANE-EE', selector: 'SPKI', matchingType: 'SHA2-256', certificateAssociationData: 'AB' })), '3 1 1 AB');
  assert.equal(recordText(record('x', 'SSHFP', { algorithm: 'Ed25519', fingerprintType: 'SHA256', fingerprint: 'CD' })), '4 2 CD');
});

test('contradictions are seen while typing', () => {
  const list = [record('example.com', 'SOA', {}), record('www.example.com', 'A', { ipAddress: '192.0.2.1' }), record('c.example.com', 'CNAME', { cname: 'x' })];
  assert.equal(conflict(list, 'example.com', 'CNAME', null, 'example.com'), 'record.conflict.apex');
  assert.equal(conflict(list, 'www.example.com', 'CNAME', null, 'example.com'), 'record.conflict.cname');
  assert.equal(conflict(list, 'c.example.com', 'A', null, 'example.com'), 'record.conflict.other');
  assert.equal(conflict(list, 'c.example.com', 'CNAME', null, 'example.com'), 'record.conflict.single');
  assert.equal(conflict(list, 'c.example.com', 'CNAME', list[2] ?? null, 'example.com'), null);
  assert.equal(conflict(list, 'new.example.com', 'A', null, 'example.com'), null);
  assert.equal(lacksAddress(list, 'mx.example.com', 'example.com'), true);
  assert.equal(lacksAddress(list, 'www.example.com', 'example.com'), false);
  assert.equal(lacksAddress(list, 'mx.other.example', 'example.com'), false);
});

test('fresh names take the place of old ones, in zone order', () => {
  const list = [record('example.com', 'SOA', { serial: 1 }), record('a.example.com', 'A', {}), record('c.example.com', 'A', {})];
  const fresh = new Map([
    ['example.com', [record('example.com', 'SOA', { serial: 2 })]],
    ['a.example.com', []],
    ['b.example.com', [record('b.example.com', 'A', {})]],
  ]);
  assert.deepEqual(replaceNames(list, fresh).map((r) => r.name), ['example.com', 'b.example.com', 'c.example.com']);
  assert.equal(replaceNames(list, fresh)[0]?.rData['serial'], 2);
});

test('names are ordered from the last label', () => {
  assert.deepEqual(['z.example', 'example', 'a.b.example', 'b.example', 'a.example'].sort(compareNames), ['example', 'a.example', 'b.example', 'a.b.example', 'z.example']);
});
