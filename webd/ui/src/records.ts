// Record types as rows: the fields of the form, their names in the API, and the text form.
// An update names the old value by `param` and the new one by `next`; types whose owner holds only
// one record (CNAME, DNAME, SOA) have no old value to name.
import type { Params } from './api';
import type { Key } from './i18n';
import type { RData, Zone, ZoneRecord } from './types';
import { check, integer, optional, type Check } from './validate';

export type FieldKind = 'text' | 'area' | 'select' | 'bool' | 'params' | 'ttl';

export interface RecordField {
  param: string;
  next: string | null; // null: `param` carries the new value
  rdata: string; // its name in the answer
  label: Key;
  kind: FieldKind;
  initial: string;
  options?: readonly string[];
  check?: Check;
  hint?: Key;
  size?: 'wide' | 'full';
  isName?: boolean; // a domain name: "@" stands for the zone
}

export interface RecordType {
  type: string;
  hint: Key;
  fields: readonly RecordField[];
  text: (r: RData) => string;
  canAdd: boolean;
  isSingle?: boolean; // the only record of its owner and type
}

type Extra = Partial<RecordField>;

const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1);
const nextOf = (param: string): string => `new${capital(param)}`;

function field(param: string, label: Key, extra: Extra = {}): RecordField {
  return { param, next: nextOf(param), rdata: param, label, kind: 'text', initial: '', check: check.required, ...extra };
}

const name = (param: string, label: Key, extra: Extra = {}): RecordField =>
  field(param, label, { check: check.name, isName: true, size: 'wide', ...extra });
const u8 = (param: string, label: Key, initial: string, extra: Extra = {}): RecordField =>
  field(param, label, { check: integer(0, 255), initial, ...extra });
const u16 = (param: string, label: Key, initial: string, extra: Extra = {}): RecordField =>
  field(param, label, { check: integer(0, 65535), initial, ...extra });
const choice = (param: string, label: Key, options: readonly string[], initial: string, extra: Extra = {}): RecordField =>
  field(param, label, { kind: 'select', options, initial, ...extra });
const naptr = (what: string, label: Key, extra: Extra = {}): RecordField =>
  field(`naptr${what}`, label, { next: `naptrNew${what}`, rdata: what.toLowerCase(), check: optional(check.required), ...extra });

const s = (v: unknown): string => (v === undefined || v === null ? '' : String(v));
const words = (r: RData, ...keys: string[]): string => keys.map((k) => s(r[k])).join(' ');
const dot = (v: unknown): string => (s(v) === '.' || s(v) === '' ? '.' : `${s(v).replace(/\.$/, '')}.`);
const quote = (v: unknown): string => `"${s(v).replace(/(["\\])/g, '\\$1')}"`;

const PTR_FIELDS: readonly RecordField[] = [
  field('ptr', 'record.ptr', { kind: 'bool', next: null, initial: 'false', size: 'wide' }),
  field('createPtrZone', 'record.createPtrZone', { kind: 'bool', next: null, initial: 'false', size: 'wide' }),
];

/* Words of the API in the order of their numbers: the text form of a zone file has the numbers. */
const TLSA_USAGES = ['PKIX-TA', 'PKIX-EE', 'DANE-TA', 'DANE-EE'];
const TLSA_SELECTORS = ['Cert', 'SPKI'];
const TLSA_MATCHINGS = ['Full', 'SHA2-256', 'SHA2-512'];
const SSHFP_TYPES = ['SHA1', 'SHA256'];
const SSHFP_NUMBERS: Readonly<Record<string, string>> = { RSA: '1', DSA: '2', ECDSA: '3', Ed25519: '4', Ed448: '6' };

function index(words: readonly string[], value: unknown, first = 0): string {
  const i = words.indexOf(s(value));
  return i < 0 ? s(value) : String(i + first);
}

const DS_ALGORITHMS = ['RSAMD5', 'RSASHA1', 'RSASHA1_NSEC3_SHA1', 'RSASHA256', 'RSASHA512', 'ECDSAP256SHA256', 'ECDSAP384SHA384', 'ED25519', 'ED448'];

const SVC_FIELDS: readonly RecordField[] = [
  u16('svcPriority', 'record.svcPriority', '1', { hint: 'record.svcPriorityHint' }),
  name('svcTargetName', 'record.target', { initial: '.' }),
  field('svcParams', 'record.svcParams', { kind: 'params', check: optional(check.required), size: 'full' }),
  field('autoIpv4Hint', 'record.autoIpv4Hint', { kind: 'bool', next: null, initial: 'false', size: 'wide' }),
  field('autoIpv6Hint', 'record.autoIpv6Hint', { kind: 'bool', next: null, initial: 'false', size: 'wide' }),
];

function svcText(r: RData): string {
  const params = Object.entries((r['svcParams'] ?? {}) as Record<string, string>);
  return [s(r['svcPriority']), dot(r['svcTargetName']), ...params.map(([k, v]) => (v === '' ? k : `${k}=${v}`))].join(' ');
}

export const RECORD_TYPES: readonly RecordType[] = [
  { type: 'A', hint: 'record.type.A', canAdd: true, text: (r) => s(r['ipAddress']), fields: [field('ipAddress', 'record.ipv4', { check: check.ipv4, size: 'wide' }), ...PTR_FIELDS] },
  { type: 'AAAA', hint: 'record.type.AAAA', canAdd: true, text: (r) => s(r['ipAddress']), fields: [field('ipAddress', 'record.ipv6', { check: check.ipv6, size: 'wide' }), ...PTR_FIELDS] },
  { type: 'CNAME', hint: 'record.type.CNAME', canAdd: true, isSingle: true, text: (r) => dot(r['cname']), fields: [name('cname', 'record.target', { next: null })] },
  { type: 'MX', hint: 'record.type.MX', canAdd: true, text: (r) => `${s(r['preference'])} ${dot(r['exchange'])}`, fields: [u16('preference', 'record.preference', '10'), name('exchange', 'record.exchange')] },
  {
    type: 'TXT',
    hint: 'record.type.TXT',
    canAdd: true,
    text: (r) => (Array.isArray(r['characterStrings']) && r['characterStrings'].length > 1 ? r['characterStrings'].map(quote).join(' ') : quote(r['text'])),
    fields: [
      field('text', 'record.text', { kind: 'area', size: 'full', check: () => null }),
      field('splitText', 'record.splitText', { kind: 'bool', initial: 'false', size: 'full', hint: 'record.splitTextHint' }),
    ],
  },
  {
    type: 'NS',
    hint: 'record.type.NS',
    canAdd: true,
    text: (r) => dot(r['nameServer']),
    fields: [name('nameServer', 'record.nameServer'), field('glue', 'record.glue', { next: null, rdata: '', size: 'wide', check: optional(checkGlue), hint: 'record.glueHint' })],
  },
  { type: 'SRV', hint: 'record.type.SRV', canAdd: true, text: (r) => `${words(r, 'priority', 'weight', 'port')} ${dot(r['target'])}`, fields: [u16('priority', 'record.priority', '10'), u16('weight', 'record.weight', '0'), u16('port', 'record.port', ''), name('target', 'record.target')] },
  { type: 'CAA', hint: 'record.type.CAA', canAdd: true, text: (r) => `${words(r, 'flags', 'tag')} ${quote(r['value'])}`, fields: [u8('flags', 'record.flags', '0'), choice('tag', 'record.tag', ['issue', 'issuewild', 'iodef', 'contactemail', 'contactphone', 'issuemail', 'issuevmc'], 'issue'), field('value', 'record.value', { size: 'wide' })] },
  { type: 'PTR', hint: 'record.type.PTR', canAdd: true, text: (r) => dot(r['ptrName']), fields: [name('ptrName', 'record.target')] },
  { type: 'HTTPS', hint: 'record.type.HTTPS', canAdd: true, text: svcText, fields: SVC_FIELDS },
  { type: 'SVCB', hint: 'record.type.SVCB', canAdd: true, text: svcText, fields: SVC_FIELDS },
  { type: 'DNAME', hint: 'record.type.DNAME', canAdd: true, isSingle: true, text: (r) => dot(r['dname']), fields: [name('dname', 'record.target', { next: null })] },
  {
    type: 'DS',
    hint: 'record.type.DS',
    canAdd: true,
    text: (r) => `${s(r['keyTag'])} ${s(r['algorithmNumber'] ?? r['algorithm'])} ${s(r['digestTypeNumber'] ?? r['digestType'])} ${s(r['digest'])}`,
    fields: [u16('keyTag', 'record.keyTag', ''), choice('algorithm', 'record.algorithm', DS_ALGORITHMS, 'ECDSAP256SHA256'), choice('digestType', 'record.digestType', ['SHA1', 'SHA256', 'SHA384'], 'SHA256'), field('digest', 'record.digest', { check: check.hex, size: 'full' })],
  },
  {
    type: 'TLSA',
    hint: 'record.type.TLSA',
    canAdd: true,
    text: (r) => [index(TLSA_USAGES, r['certificateUsage']), index(TLSA_SELECTORS, r['selector']), index(TLSA_MATCHINGS, r['matchingType']), s(r['certificateAssociationData'])].join(' '),
    fields: [
      choice('tlsaCertificateUsage', 'record.tlsaUsage', TLSA_USAGES, 'DANE-EE', { rdata: 'certificateUsage' }),
      choice('tlsaSelector', 'record.tlsaSelector', TLSA_SELECTORS, 'SPKI', { rdata: 'selector' }),
      choice('tlsaMatchingType', 'record.tlsaMatching', TLSA_MATCHINGS, 'SHA2-256', { rdata: 'matchingType' }),
      field('tlsaCertificateAssociationData', 'record.tlsaData', { kind: 'area', rdata: 'certificateAssociationData', size: 'full', check: (v) => (/^\s*-----BEGIN CERTIFICATE-----/.test(v) ? null : check.hex(v)), hint: 'record.tlsaDataHint' }),
    ],
  },
  {
    type: 'SSHFP',
    hint: 'record.type.SSHFP',
    canAdd: true,
    text: (r) => [SSHFP_NUMBERS[s(r['algorithm'])] ?? s(r['algorithm']), index(SSHFP_TYPES, r['fingerprintType'], 1), s(r['fingerprint'])].join(' '),
    fields: [
      choice('sshfpAlgorithm', 'record.algorithm', ['RSA', 'DSA', 'ECDSA', 'Ed25519', 'Ed448'], 'Ed25519', { rdata: 'algorithm' }),
      choice('sshfpFingerprintType', 'record.fingerprintType', SSHFP_TYPES, 'SHA256', { rdata: 'fingerprintType' }),
      field('sshfpFingerprint', 'record.fingerprint', { rdata: 'fingerprint', check: check.hex, size: 'full' }),
    ],
  },
  {
    type: 'NAPTR',
    hint: 'record.type.NAPTR',
    canAdd: true,
    text: (r) => `${words(r, 'order', 'preference')} ${quote(r['flags'])} ${quote(r['services'])} ${quote(r['regexp'])} ${dot(r['replacement'])}`,
    fields: [
      naptr('Order', 'record.order', { check: integer(0, 65535), initial: '10' }),
      naptr('Preference', 'record.preference', { check: integer(0, 65535), initial: '10' }),
      naptr('Flags', 'record.flags'),
      naptr('Services', 'record.services', { size: 'wide' }),
      naptr('Regexp', 'record.regexp', { size: 'wide' }),
      naptr('Replacement', 'record.replacement', { size: 'wide', isName: true }),
    ],
  },
  { type: 'URI', hint: 'record.type.URI', canAdd: true, text: (r) => `${words(r, 'priority', 'weight')} ${quote(r['uri'])}`, fields: [u16('uriPriority', 'record.priority', '10', { rdata: 'priority' }), u16('uriWeight', 'record.weight', '1', { rdata: 'weight' }), field('uri', 'record.uri', { size: 'wide' })] },
  { type: 'RP', hint: 'record.type.RP', canAdd: true, text: (r) => `${dot(r['mailbox'])} ${dot(r['txtDomain'])}`, fields: [field('mailbox', 'record.mailbox', { size: 'wide', check: optional(check.email) }), name('txtDomain', 'record.txtDomain', { check: optional(check.name) })] },
  {
    type: 'SOA',
    hint: 'record.type.SOA',
    canAdd: false,
    isSingle: true,
    text: (r) => `${dot(r['primaryNameServer'])} ${s(r['responsiblePerson'])} ${words(r, 'serial', 'refresh', 'retry', 'expire', 'minimum')}`,
    fields: [
      name('primaryNameServer', 'record.soaPrimary', { next: null }),
      field('responsiblePerson', 'record.soaPerson', { next: null, check: check.email, size: 'wide' }),
      field('serial', 'record.serial', { next: null, check: integer(0, 4294967295) }),
      field('refresh', 'record.refresh', { next: null, kind: 'ttl', check: check.ttl }),
      field('retry', 'record.retry', { next: null, kind: 'ttl', check: check.ttl }),
      field('expire', 'record.expire', { next: null, kind: 'ttl', check: check.ttl }),
      field('minimum', 'record.minimum', { next: null, kind: 'ttl', check: check.ttl }),
      field('useSerialDateScheme', 'record.dateScheme', { kind: 'bool', next: null, initial: 'false', size: 'wide' }),
    ],
  },
];

/** A type that the panel has no form for: its data in hex. */
const UNKNOWN: RecordType = {
  type: 'UNKNOWN',
  hint: 'record.type.UNKNOWN',
  canAdd: true,
  text: (r) => (typeof r['value'] === 'string' ? r['value'] : plainText(r)),
  fields: [field('rdata', 'record.rdata', { next: 'newRData', rdata: 'value', kind: 'area', check: optional(check.hex), size: 'full' })],
};

/* Types that signing or transfers bring: shown, never edited here. */
const READ_ONLY = new Set(['DNSKEY', 'RRSIG', 'NSEC', 'NSEC3', 'NSEC3PARAM', 'CDS', 'CDNSKEY', 'ZONEMD', 'APL', 'ALIAS', 'ANAME', 'FWD', 'APP']);

const byType = new Map(RECORD_TYPES.map((r) => [r.type, r]));

function checkGlue(text: string): Key | null {
  return text.split(/[\s,]+/).filter((a) => a !== '').every((a) => check.ip(a) === null) ? null : 'check.ip';
}

function plainText(r: RData): string {
  return Object.values(r)
    .map((v) => (Array.isArray(v) ? v.join(' ') : typeof v === 'object' && v !== null ? JSON.stringify(v) : s(v)))
    .join(' ');
}

/** The row of a type; the row for unknown types where there is none. */
export function recordType(type: string): RecordType {
  return byType.get(type.toUpperCase()) ?? UNKNOWN;
}

/** The types offered when a record is added. */
export function addableTypes(): RecordType[] {
  return RECORD_TYPES.filter((r) => r.canAdd);
}

/** The data of a record as one line, like in a zone file. */
export function recordText(r: Pick<ZoneRecord, 'type' | 'rData'>): string {
  const row = byType.get(r.type);
  return row ? row.text(r.rData) : UNKNOWN.text(r.rData);
}

/** True when the zone takes changes of this record by the panel. */
export function canEdit(zone: Pick<Zone, 'type' | 'internal'>, type: string): boolean {
  if (zone.internal) return false;
  if (zone.type === 'Catalog') return type === 'SOA';
  return (zone.type === 'Primary' || zone.type === 'Forwarder') && !READ_ONLY.has(type);
}

/** "www" of "www.example.com" in example.com; "@" for the zone itself. */
export function relativeName(owner: string, zone: string): string {
  if (owner === zone) return '@';
  if (zone === '' || zone === '.') return owner;
  return owner.endsWith(`.${zone}`) ? owner.slice(0, -zone.length - 1) : owner;
}

/** The whole name of what is typed in the name field. A trailing dot means that it is whole already. */
export function absoluteName(typed: string, zone: string): string {
  const n = typed.trim();
  if (n === '@' || n === '') return zone;
  if (n.endsWith('.') && n !== '.') return n.slice(0, -1);
  return zone === '' || zone === '.' ? n : `${n}.${zone}`;
}

/** Values of the form, by `param`. */
export type Values = Record<string, string>;

/** What a new record starts with. */
export function initialValues(type: RecordType): Values {
  return Object.fromEntries(type.fields.map((f) => [f.param, f.initial]));
}

/** What the form of an existing record starts with. */
export function valuesOf(type: RecordType, r: ZoneRecord): Values {
  return Object.fromEntries(
    type.fields.map((f) => {
      if (f.param === 'glue') return [f.param, (r.glueRecords ?? []).join(', ')];
      if (f.kind === 'params') return [f.param, paramsToText((r.rData[f.rdata] ?? {}) as Record<string, string>)];
      const v = r.rData[f.rdata];
      return [f.param, v === undefined || v === null ? f.initial : s(v)];
    }),
  );
}

/* Service parameters are kept as "key=value" lines in the form and go out as a table. */

export function paramsToText(params: Readonly<Record<string, string>>): string {
  return Object.entries(params)
    .map(([k, v]) => `${k}=${v}`)
    .join('\n');
}

export function textToPairs(text: string): [string, string][] {
  return text
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => {
      const eq = l.indexOf('=');
      return eq < 0 ? [l, ''] : [l.slice(0, eq), l.slice(eq + 1)];
    });
}

function outgoing(f: RecordField, value: string, zone: string): string | undefined {
  const v = value.trim();
  if (f.kind === 'params') {
    const pairs = textToPairs(value).filter(([k]) => k.trim() !== '');
    return pairs.length === 0 ? 'false' : pairs.flatMap(([k, x]) => [k.trim().toLowerCase(), x.trim()]).join('|');
  }
  if (f.kind === 'area' && f.param === 'text') return value;
  if (f.param === 'glue') return v === '' ? undefined : v.split(/[\s,]+/).join(',');
  if (f.isName) return v === '@' ? zone : v === '.' || v === '' ? v : v.replace(/\.$/, '');
  if (f.param === 'rdata') return v.replace(/[\s:]/g, '');
  return v;
}

/** The parameters that add a record. */
export function addParams(type: RecordType, values: Values, zone: string): Params {
  const out: Params = {};
  for (const f of type.fields) {
    const v = outgoing(f, values[f.param] ?? '', zone);
    if (v !== undefined && !(f.kind === 'bool' && v === 'false')) out[f.param] = v;
  }
  return out;
}

/** The parameters that name one record, for delete and as the old value of an update. */
export function identityParams(type: RecordType, r: ZoneRecord, zone: string): Params {
  const out: Params = {};
  const old = valuesOf(type, r);
  for (const f of type.fields) {
    if (f.next === null) continue;
    const v = outgoing(f, old[f.param] ?? '', zone);
    if (v !== undefined) out[f.param] = v;
  }
  return out;
}

/** The parameters that turn a record into what the form says. */
export function updateParams(type: RecordType, r: ZoneRecord, values: Values, zone: string): Params {
  const out = identityParams(type, r, zone);
  for (const f of type.fields) {
    const v = outgoing(f, values[f.param] ?? '', zone);
    if (v !== undefined && !(f.next === null && f.kind === 'bool' && v === 'false')) out[f.next ?? f.param] = v;
  }
  return out;
}

/** The parameters of a record as it stands: for Undo, and for an update that changes something else. */
export function sameParams(type: RecordType, r: ZoneRecord, zone: string): Params {
  return addParams(type, valuesOf(type, r), zone);
}

/** What else an update must repeat: the API resets whatever is absent. */
export function keptParams(r: ZoneRecord): Params {
  return {
    ttl: r.ttl,
    disable: r.disabled,
    comments: r.comments ?? '',
    expiryTtl: r.expiryTtl ?? 0,
  };
}

/** A short stable name of a record for the address bar. */
export function recordId(r: ZoneRecord): string {
  const known = ids.get(r);
  if (known !== undefined) return known;
  const text = `${r.name} ${r.type} ${r.type === 'SOA' ? '' : recordText(r)}`;
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  const id = `${(h >>> 0).toString(36)}${text.length.toString(36)}`;
  ids.set(r, id);
  return id;
}

const ids = new WeakMap<ZoneRecord, string>();

/** A text whose order is that of names in a zone: from the last label on, parents first. */
export function nameKey(name: string): string {
  return name.toLowerCase().split('.').reverse().join('\u0000');
}

export function compareNames(a: string, b: string): number {
  const x = nameKey(a);
  const y = nameKey(b);
  return x === y ? 0 : x < y ? -1 : 1;
}

/** The list with the records of some names replaced by fresh ones, in the order of a zone. */
export function replaceNames(list: readonly ZoneRecord[], fresh: ReadonlyMap<string, readonly ZoneRecord[]>): ZoneRecord[] {
  const out: ZoneRecord[] = [];
  const left = new Map(fresh);
  for (const r of list) {
    const now = left.get(r.name);
    if (now) {
      out.push(...now);
      left.delete(r.name);
    } else if (!fresh.has(r.name)) {
      out.push(r);
    }
  }
  for (const [n, now] of left) {
    if (now.length === 0) continue;
    const at = out.findIndex((r) => compareNames(r.name, n) > 0);
    out.splice(at < 0 ? out.length : at, 0, ...now);
  }
  return out;
}

/** What contradicts a record that is about to be saved; null when nothing does. */
export function conflict(list: readonly ZoneRecord[], owner: string, type: string, self: ZoneRecord | null, apex: string): Key | null {
  const beside = list.filter((r) => r !== self && !r.disabled && r.name.toLowerCase() === owner.toLowerCase());
  if (type === 'CNAME') {
    if (owner === apex) return 'record.conflict.apex';
    if (beside.some((r) => r.type === 'CNAME')) return 'record.conflict.single';
    if (beside.some((r) => !['RRSIG', 'NSEC', 'NSEC3'].includes(r.type))) return 'record.conflict.cname';
  } else if (beside.some((r) => r.type === 'CNAME')) {
    return 'record.conflict.other';
  }
  if (type === 'DNAME' && beside.some((r) => r.type === 'DNAME')) return 'record.conflict.single';
  return null;
}

/** A name inside the zone that has no address: worth a warning for MX, NS and SRV. */
export function lacksAddress(list: readonly ZoneRecord[], target: string, zone: string): boolean {
  const n = target.trim().replace(/\.$/, '').toLowerCase();
  if (n === '' || zone === '.' || zone === '' || (n !== zone && !n.endsWith(`.${zone}`))) return false;
  const wild = list.some((r) => r.name.startsWith('*.') && n.endsWith(r.name.slice(1)));
  const cut = list.some((r) => r.type === 'NS' && r.name !== zone && (n === r.name || n.endsWith(`.${r.name}`)));
  return !wild && !cut && !list.some((r) => r.name.toLowerCase() === n && ['A', 'AAAA', 'CNAME'].includes(r.type));
}
