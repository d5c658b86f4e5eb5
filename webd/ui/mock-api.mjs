// A stand-in for webd: the panel's files with webd's headers, and the API with data in memory.
// The UI tests run against it; `node mock-api.mjs [port]` serves it for work on the panel.
// It answers in the forms of the API and keeps what it is told, but decides nothing clever.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALL, cluster, GROUPS, iso, makeState, NEVER, node, record, SECTIONS, soa, zone } from './mock-data.mjs';

const dist = join(dirname(fileURLToPath(import.meta.url)), 'dist');

export const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

class Refused extends Error {
  constructor(message, status = 'error') {
    super(message);
    this.status = status;
  }
}

const csv = (v) => (v === undefined || v === '' || v === 'false' ? [] : v.split(',').map((x) => x.trim()));
const isTrue = (v) => String(v).toLowerCase() === 'true';

function clusterView(st) {
  const base = { version: '0.1.0', dnsServerDomain: st.settings.dnsServerDomain, clusterInitialized: st.cluster !== null, serverIpAddresses: ['192.0.2.10', '2001:db8::10'] };
  return st.cluster ? { ...base, ...st.cluster } : base;
}

function sessionInfo(st) {
  return {
    version: '0.1.0', uptimestamp: st.settings.uptimestamp, dnsServerDomain: st.settings.dnsServerDomain, defaultRecordTtl: 3600, defaultNsRecordTtl: 14400, defaultSoaRecordTtl: 900, useSoaSerialDateScheme: true, dnssecValidation: true,
    clusterInitialized: st.cluster !== null,
    ...(st.cluster ? { clusterDomain: st.cluster.clusterDomain, clusterNodes: st.cluster.clusterNodes } : {}),
    permissions: Object.fromEntries(SECTIONS.map((s) => [s, ALL])),
  };
}

const session = (st) => ({ displayName: 'Ada Reyes', username: 'admin', isSsoUser: false, totpEnabled: st.totp !== null, token: 'x'.repeat(64), info: sessionInfo(st) });
const userView = (u) => ({ displayName: u.displayName, username: u.username, isSsoUser: false, totpEnabled: false, disabled: u.disabled, previousSessionLoggedOn: u.disabled ? NEVER : iso(100_000), previousSessionRemoteAddress: '192.0.2.200', recentSessionLoggedOn: u.disabled ? NEVER : iso(400), recentSessionRemoteAddress: '192.0.2.200' });
const sessionsOf = (st, user) => [{ username: 'admin', isCurrentSession: true, partialToken: 'c0ffee0123456789', type: 'Standard', tokenName: null, lastSeen: iso(1), lastSeenRemoteAddress: '192.0.2.200', lastSeenUserAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chromium/156.0' }, ...st.tokens.map((s) => ({ ...s, isCurrentSession: false }))].filter((s) => user === undefined || s.username === user);
const userDetails = (st, u) => ({ ...userView(u), sessionTimeoutSeconds: u.timeout, ssoManagedGroups: false, memberOfGroups: u.groups, sessions: sessionsOf(st, u.username), groups: st.groups.map((g) => g.name) });

function findZone(st, name) {
  const z = st.zones.find((x) => x.name === (name === '.' ? '' : name));
  if (!z) throw new Refused(`No such zone was found: ${name}`);
  return z;
}

function recordsOf(st, name) {
  const key = name === '.' ? '' : name;
  if (!st.records.has(key)) st.records.set(key, [soa(key), record(key, 'NS', 14400, { nameServer: 'ns1.example.com' })]);
  return st.records.get(key);
}

const RDATA_KEYS = { A: ['ipAddress'], AAAA: ['ipAddress'], NS: ['nameServer'], CNAME: ['cname'], MX: ['preference', 'exchange'], TXT: ['text'], PTR: ['ptrName'], SRV: ['priority', 'weight', 'port', 'target'], CAA: ['flags', 'tag', 'value'], DNAME: ['dname'], URI: [] };

function sameRecord(r, p) {
  if (r.name !== p.domain || r.type !== p.type) return false;
  return (RDATA_KEYS[p.type] ?? []).every((k) => p.type === 'CNAME' || p.type === 'DNAME' || String(r.rData[k]) === p[k]);
}

function rdataFrom(p, isUpdate) {
  const out = {};
  for (const k of RDATA_KEYS[p.type] ?? []) {
    const next = `new${k[0].toUpperCase()}${k.slice(1)}`;
    const v = isUpdate && p[next] !== undefined ? p[next] : p[k];
    out[k] = /^\d+$/.test(v ?? '') && !/text|value|ip/i.test(k) ? Number(v) : v;
  }
  if (p.type === 'TXT') Object.assign(out, { splitText: false, characterStrings: [out.text] });
  if (p.type === 'SOA') for (const k of ['primaryNameServer', 'responsiblePerson', 'serial', 'refresh', 'retry', 'expire', 'minimum']) out[k] = /^\d+$/.test(p[k]) ? Number(p[k]) : p[k];
  if (p.type === 'HTTPS' || p.type === 'SVCB') {
    const cells = p.newSvcParams ?? p.svcParams;
    const flat = cells === 'false' ? [] : cells.split('|');
    Object.assign(out, { svcPriority: Number(p.newSvcPriority ?? p.svcPriority), svcTargetName: p.newSvcTargetName ?? p.svcTargetName, svcParams: Object.fromEntries(flat.flatMap((k, i) => (i % 2 === 0 ? [[k, flat[i + 1]]] : []))), autoIpv4Hint: isTrue(p.autoIpv4Hint), autoIpv6Hint: isTrue(p.autoIpv6Hint) });
  }
  return out;
}

function touch(st, name) {
  const z = findZone(st, name);
  z.soaSerial++;
  z.lastModified = iso(0);
  const head = recordsOf(st, name).find((r) => r.type === 'SOA');
  if (head) head.rData.serial = z.soaSerial;
  return z;
}

function optionsOf(st, name) {
  const z = findZone(st, name);
  if (!st.options.has(z.name)) {
    st.options.set(z.name, {
      name: z.name, type: z.type, disabled: z.disabled, catalog: z.catalog ?? null, overrideCatalogQueryAccess: false, overrideCatalogZoneTransfer: false, overrideCatalogNotify: false,
      primaryNameServerAddresses: ['192.0.2.53'], primaryZoneTransferProtocol: 'Tcp', primaryZoneTransferTsigKeyName: null, validateZone: false,
      queryAccess: 'Allow', queryAccessNetworkACL: [], zoneTransfer: 'AllowOnlyZoneNameServers', zoneTransferNetworkACL: [], zoneTransferTsigKeyNames: [], notify: 'ZoneNameServers', notifyNameServers: [], update: 'Deny', updateNetworkACL: [], updateSecurityPolicies: [],
      notifyFailed: z.notifyFailed, notifyFailedFor: z.notifyFailedFor,
    });
  }
  return st.options.get(z.name);
}

function zoneFile(st, name) {
  return recordsOf(st, name).map((r) => `${r.name || '.'}. ${r.ttl} IN ${r.type} ${Object.values(r.rData).join(' ')}`).join('\n') + '\n';
}

function rows(text, width) {
  if (text === undefined || text === 'false') return [];
  const cells = text.split('|');
  const out = [];
  for (let i = 0; i + width <= cells.length; i += width) out.push(cells.slice(i, i + width));
  return out;
}

const readRights = (p) => ({
  userPermissions: rows(p.userPermissions, 4).map(([username, v, m, d]) => ({ username, canView: isTrue(v), canModify: isTrue(m), canDelete: isTrue(d) })),
  groupPermissions: rows(p.groupPermissions, 4).map(([name, v, m, d]) => ({ name, canView: isTrue(v), canModify: isTrue(m), canDelete: isTrue(d) })),
});
const everyone = (st) => ({ users: st.users.map((u) => u.username), groups: [...st.groups.map((g) => g.name), 'Everyone'] });

const JOIN_STEPS = ['Contact the primary', 'Check names and versions', 'Register this node', 'Fetch the configuration', 'Create the catalog zone', 'Wait for the cluster zone'];

/* One row a call: what it does to the state and what it answers. */
const CALLS = {
  'user/setupStatus': (st) => ({ setupRequired: st.needsSetup }),
  'user/profile/get': (st) => userDetails(st, st.users[0]),
  'user/profile/set': (st, p) => {
    if (p.displayName !== undefined) st.users[0].displayName = p.displayName;
    if (p.sessionTimeoutSeconds !== undefined) st.users[0].timeout = Number(p.sessionTimeoutSeconds);
    return userDetails(st, st.users[0]);
  },
  'user/changePassword': (st, p) => {
    if (p.pass !== st.password) throw new Refused('The current password is wrong.');
    st.password = p.newPass;
    return {};
  },
  'user/session/delete': (st, p) => deleteToken(st, p.partialToken),
  'user/createSingleUseToken': (st) => {
    const token = `single${st.singleUse.size}${Date.now()}`;
    st.singleUse.add(token);
    return { username: 'admin', token };
  },
  'zones/list': (st, p) => (p.pageNumber === undefined ? { zones: st.zones } : { pageNumber: 1, totalPages: Math.ceil(st.zones.length / Number(p.zonesPerPage ?? 10)), totalZones: st.zones.length, zones: st.zones.slice(0, Number(p.zonesPerPage ?? 10)) }),
  'zones/catalogs/list': (st) => ({ catalogZoneNames: st.zones.filter((z) => z.type === 'Catalog').map((z) => z.name) }),
  'zones/create': (st, p, file) => {
    const m = /^(\d+)\.(\d+)\.(\d+)\.\d+\/24$/.exec(p.zone);
    const name = m ? `${m[3]}.${m[2]}.${m[1]}.in-addr.arpa` : p.zone.replace(/\.$/, '');
    if (st.zones.some((z) => z.name === name)) throw new Refused(`Zone already exists: ${name}`);
    const made = zone(name, p.type ?? 'Primary', p.catalog ? { catalog: p.catalog } : {});
    st.zones.push(made);
    try {
      if (file) CALLS['zones/import'](st, { zone: name }, file);
    } catch (e) {
      st.zones.splice(st.zones.indexOf(made), 1);
      throw e;
    }
    return { domain: name };
  },
  'zones/delete': (st, p) => {
    const z = findZone(st, p.zone);
    if (z.name === st.cluster?.clusterDomain) throw new Refused('The cluster zone cannot be deleted.');
    st.zones.splice(st.zones.indexOf(z), 1);
    return {};
  },
  'zones/enable': (st, p) => ((findZone(st, p.zone).disabled = false), {}),
  'zones/disable': (st, p) => ((findZone(st, p.zone).disabled = true), {}),
  'zones/resync': (st, p) => ((findZone(st, p.zone).syncFailed = false), {}),
  'zones/import': (st, p, body) => {
    const list = recordsOf(st, p.zone);
    for (const [i, line] of body.split('\n').entries()) {
      const m = /^(\S+)\s+(\d+)\s+IN\s+(A|AAAA)\s+(\S+)\s*$/.exec(line);
      if (m) list.push(record(m[1] === '@' ? p.zone : `${m[1]}.${p.zone}`, m[3], Number(m[2]), { ipAddress: m[4] }));
      else if (/^\S+\s+IN\s*$|^broken/.test(line)) throw new Refused(`zone file: line ${i + 1}: a type is missing; nothing was imported`);
    }
    touch(st, p.zone);
    return {};
  },
  'zones/options/get': (st, p) => ({ ...optionsOf(st, p.zone), catalog: findZone(st, p.zone).catalog ?? null, availableCatalogZoneNames: st.zones.filter((z) => z.type === 'Catalog').map((z) => z.name), availableTsigKeyNames: st.settings.tsigKeys.map((k) => k.keyName) }),
  'zones/options/set': (st, p) => {
    const o = optionsOf(st, p.zone);
    for (const [k, v] of Object.entries(p)) {
      if (k === 'zone' || k === 'node') continue;
      if (k === 'catalog') findZone(st, p.zone).catalog = v === '' ? null : v;
      else if (k === 'updateSecurityPolicies') o[k] = rows(v, 3).map(([tsigKeyName, domain, types]) => ({ tsigKeyName, domain, allowedTypes: types.split(',') }));
      else o[k] = Array.isArray(o[k]) ? csv(v) : typeof o[k] === 'boolean' ? isTrue(v) : v;
    }
    return {};
  },
  'zones/permissions/get': (st, p) => ({ section: 'Zones', subItem: p.zone, ...(st.zonePermissions.get(p.zone) ?? { userPermissions: [{ username: 'admin', ...ALL }], groupPermissions: [{ name: 'Administrators', ...ALL }, { name: 'DNS Administrators', ...ALL }] }), ...everyone(st) }),
  'zones/permissions/set': (st, p) => (st.zonePermissions.set(p.zone, readRights(p)), { section: 'Zones', subItem: p.zone, ...readRights(p) }),
  'zones/records/get': (st, p) => {
    const list = recordsOf(st, p.zone);
    return { zone: findZone(st, p.zone), records: isTrue(p.listZone) ? list : list.filter((r) => r.name === (p.domain === '.' ? '' : p.domain)) };
  },
  'zones/records/add': (st, p) => {
    const list = recordsOf(st, p.zone);
    const r = record(p.domain, p.type, Number(p.ttl), rdataFrom(p, false), { comments: p.comments ?? '', expiryTtl: Number(p.expiryTtl ?? 0), lastUsedOn: NEVER, lastModified: iso(0) });
    if (list.some((x) => x.name === r.name && x.type === r.type && JSON.stringify(x.rData) === JSON.stringify(r.rData))) throw new Refused('Cannot add record: record already exists.');
    const at = list.findIndex((x) => x.name === r.name);
    list.splice(at < 0 ? list.length : at + 1, 0, r);
    return { zone: touch(st, p.zone), addedRecord: r };
  },
  'zones/records/update': (st, p) => {
    const list = recordsOf(st, p.zone);
    const r = list.find((x) => sameRecord(x, p));
    if (!r) throw new Refused('Cannot update record: no such record.');
    Object.assign(r, { name: p.newDomain ?? r.name, ttl: Number(p.ttl), disabled: isTrue(p.disable), comments: p.comments ?? '', expiryTtl: Number(p.expiryTtl ?? 0), rData: { ...r.rData, ...rdataFrom(p, true) }, lastModified: iso(0) });
    for (const x of list) if (x.name === r.name && x.type === r.type) x.ttl = r.ttl;
    return { zone: touch(st, p.zone), updatedRecord: r };
  },
  'zones/records/delete': (st, p) => {
    const list = recordsOf(st, p.zone);
    const r = list.find((x) => sameRecord(x, p));
    if (!r) throw new Refused('Cannot delete record: no such record.');
    list.splice(list.indexOf(r), 1);
    touch(st, p.zone);
    return {};
  },
  ...nameCalls('allowed'),
  ...nameCalls('blocked'),
  'settings/get': (st) => ({ ...st.settings, clusterInitialized: st.cluster !== null }),
  'settings/set': (st, p) => {
    for (const [k, v] of Object.entries(p)) {
      if (k === 'node') continue;
      const old = st.settings[k];
      if (k === 'webServiceHttpPort' && !(Number(v) >= 1 && Number(v) <= 65535)) throw new Refused(`webServiceHttpPort: ${v} is not a port`);
      if (k === 'tsigKeys') st.settings[k] = rows(v, 3).map(([keyName, sharedSecret, algorithmName]) => ({ keyName, sharedSecret: sharedSecret || 'generatedSecret=', algorithmName }));
      else if (k.startsWith('qpmPrefix')) st.settings[k] = rows(v, 3).map(([prefix, udpLimit, tcpLimit]) => ({ prefix: Number(prefix), udpLimit: Number(udpLimit), tcpLimit: Number(tcpLimit) }));
      else if (k === 'proxyType') st.settings.proxy = v === 'None' ? null : { type: v, address: p.proxyAddress, port: Number(p.proxyPort), bypass: csv(p.proxyBypass) };
      else if (k in st.settings) st.settings[k] = Array.isArray(old) || k === 'blockListUrls' || k === 'forwarders' ? csv(v) : typeof old === 'boolean' ? isTrue(v) : typeof old === 'number' ? Number(v) : v === '' ? null : v;
    }
    return { ...st.settings, clusterInitialized: st.cluster !== null };
  },
  'settings/getTsigKeyNames': (st) => ({ tsigKeyNames: st.settings.tsigKeys.map((k) => k.keyName) }),
  'admin/sessions/list': (st) => ({ sessions: sessionsOf(st) }),
  'admin/sessions/delete': (st, p) => deleteToken(st, p.partialToken),
  'admin/sessions/createToken': (st, p) => addToken(st, p.user, p.tokenName),
  'admin/users/list': (st) => ({ users: st.users.map(userView) }),
  'admin/users/create': (st, p) => {
    if (st.users.some((u) => u.username === p.user)) throw new Refused(`User already exists: ${p.user}`);
    const u = { username: p.user, displayName: p.displayName || p.user, disabled: false, groups: [], timeout: 1800 };
    st.users.push(u);
    return userView(u);
  },
  'admin/users/get': (st, p) => userDetails(st, findUser(st, p.user)),
  'admin/users/set': (st, p) => {
    const u = findUser(st, p.user);
    if (p.displayName !== undefined) u.displayName = p.displayName;
    if (p.disabled !== undefined) u.disabled = isTrue(p.disabled);
    if (p.memberOfGroups !== undefined) u.groups = csv(p.memberOfGroups);
    if (p.sessionTimeoutSeconds !== undefined) u.timeout = Number(p.sessionTimeoutSeconds);
    return userDetails(st, u);
  },
  'admin/users/delete': (st, p) => (st.users.splice(st.users.indexOf(findUser(st, p.user)), 1), {}),
  'admin/groups/list': (st) => ({ groups: st.groups }),
  'admin/groups/create': (st, p) => {
    const g = { name: p.group, description: p.description ?? '' };
    st.groups.push(g);
    return g;
  },
  'admin/groups/get': (st, p) => groupView(st, p.group),
  'admin/groups/set': (st, p) => {
    const g = st.groups.find((x) => x.name === p.group);
    if (p.description !== undefined) g.description = p.description;
    if (p.members !== undefined) for (const u of st.users) u.groups = csv(p.members).includes(u.username) ? [...new Set([...u.groups, g.name])] : u.groups.filter((x) => x !== g.name);
    if (p.newGroup) g.name = p.newGroup;
    return groupView(st, g.name);
  },
  'admin/groups/delete': (st, p) => {
    if (GROUPS.includes(p.group)) throw new Refused('A built-in group cannot be deleted.');
    st.groups.splice(st.groups.findIndex((g) => g.name === p.group), 1);
    return {};
  },
  'admin/permissions/list': (st) => ({ permissions: SECTIONS.map((section) => ({ section, ...st.permissions.get(section) })) }),
  'admin/permissions/get': (st, p) => ({ section: p.section, ...st.permissions.get(p.section), ...everyone(st) }),
  'admin/permissions/set': (st, p) => (st.permissions.set(p.section, readRights(p)), { section: p.section, ...st.permissions.get(p.section) }),
  'admin/config/history': (st, p) => ({ commits: st.history.filter((c) => p.before === undefined || c.revision < Number(p.before)) }),
  'admin/config/diff': () => ({ rows: [{ path: 'settings/blockingType', before: '"NxDomain"', after: '"AnyAddress"' }, { path: 'blocked/ads.example', before: '', after: '{}' }, { path: 'users/max', before: '{"displayName":"Max"}', after: '{"displayName":"Max Operator"}' }] }),
  'admin/config/revert': (st, p) => {
    st.history.unshift({ ...st.history[0], revision: st.history[0].revision + 1, seq: st.history[0].seq + 1, time: iso(0), actor: 'admin', summary: `revert of ${p.revision}` });
    return {};
  },
  'admin/cluster/state': (st) => clusterView(st),
  'admin/cluster/init': (st, p) => {
    st.cluster = { ...cluster(), clusterDomain: p.clusterDomain, clusterCatalog: `cluster-catalog.${p.clusterDomain}`, configVersion: { epoch: 1, seq: 1 }, configVersionTime: iso(0) };
    st.cluster.clusterNodes = [{ ...node(1, 'ns1', 'Primary', 'Self', 0, 1, 1), name: `ns1.${p.clusterDomain}`, ipAddresses: csv(p.primaryNodeIpAddresses), upSince: iso(60) }];
    st.settings.dnsServerDomain = `ns1.${p.clusterDomain}`;
    return clusterView(st);
  },
  'admin/cluster/initJoin': (st, p) => {
    if (p.primaryNodePassword === 'wrong') throw new Refused('The primary refused the user name or password.');
    st.tasks.set(7, { started: Date.now(), fails: p.joinToken === 'expired' });
    return task(st, 7);
  },
  'admin/cluster/task': (st, p) => task(st, Number(p.id)),
  'admin/cluster/createJoinToken': () => ({ token: 'trellis-join-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v', expires: iso(-3600) }),
  'admin/cluster/primary/setOptions': (st, p) => {
    for (const k of ['heartbeatRefreshIntervalSeconds', 'heartbeatRetryIntervalSeconds', 'configRefreshIntervalSeconds', 'configRetryIntervalSeconds']) if (p[k] !== undefined) st.cluster[k] = Number(p[k]);
    return clusterView(st);
  },
  'admin/cluster/primary/removeSecondary': (st, p) => dropNode(st, p),
  'admin/cluster/primary/deleteSecondary': (st, p) => dropNode(st, p),
  'admin/cluster/primary/delete': (st, p) => {
    if (st.cluster.clusterNodes.length > 1 && !isTrue(p.forceDelete)) throw new Refused('The cluster has secondary nodes. Remove them first, or force.');
    st.cluster = null;
    return clusterView(st);
  },
  'admin/cluster/secondary/leave': (st) => ((st.cluster = null), clusterView(st)),
  'admin/cluster/secondary/resync': () => ({}),
  'admin/cluster/secondary/updatePrimary': (st, p) => {
    st.cluster.clusterNodes.find((n) => n.type === 'Primary').url = p.primaryNodeUrl;
    return clusterView(st);
  },
  'admin/cluster/updateIpAddress': (st, p) => {
    st.cluster.clusterNodes.find((n) => n.state === 'Self').ipAddresses = csv(p.ipAddresses);
    return clusterView(st);
  },
};

function nameCalls(kind) {
  return {
    [`${kind}/add`]: (st, p) => {
      st.names[kind] = [...new Set([...st.names[kind], p.domain.toLowerCase()])];
      return {};
    },
    [`${kind}/delete`]: (st, p) => ((st.names[kind] = st.names[kind].filter((n) => n !== p.domain)), {}),
    [`${kind}/flush`]: (st) => ((st.names[kind] = []), {}),
    [`${kind}/import`]: (st, p) => ((st.names[kind] = [...new Set([...st.names[kind], ...csv(p[`${kind}Zones`])])]), {}),
  };
}

function addToken(st, username, tokenName) {
  st.tokens.push({ username, partialToken: `new${st.tokens.length}567890abcdef`, type: 'ApiToken', tokenName, lastSeen: NEVER, lastSeenRemoteAddress: '', lastSeenUserAgent: null });
  return { username, tokenName, token: '5f1c'.repeat(16) };
}

function deleteToken(st, partial) {
  st.tokens = st.tokens.filter((s) => s.partialToken !== partial);
  return {};
}

function findUser(st, name) {
  const u = st.users.find((x) => x.username === name);
  if (!u) throw new Refused(`No such user: ${name}`);
  return u;
}

function groupView(st, name) {
  const g = st.groups.find((x) => x.name === name);
  if (!g) throw new Refused(`No such group: ${name}`);
  return { ...g, members: st.users.filter((u) => u.groups.includes(name)).map((u) => u.username), users: st.users.map((u) => u.username) };
}

function dropNode(st, p) {
  st.cluster.clusterNodes = st.cluster.clusterNodes.filter((n) => n.id !== Number(p.secondaryNodeId));
  return clusterView(st);
}

/* A join takes six steps of 150 ms, so that the progress can be seen and tested. */
function task(st, id) {
  const job = st.tasks.get(id);
  if (!job) throw new Refused(`No such task: ${id}`);
  const done = Math.min(JOIN_STEPS.length, Math.floor((Date.now() - job.started) / 150));
  const steps = JOIN_STEPS.map((name, i) => ({ name, done: i < done, ms: i < done ? 150 : 0 }));
  if (job.fails && done >= 2) return { id, finished: true, steps: steps.map((s, i) => ({ ...s, done: i < 2 })), error: 'The join token has expired. Make a new one on the primary.' };
  if (done === JOIN_STEPS.length && !st.cluster) {
    st.cluster = cluster();
    st.cluster.clusterNodes = st.cluster.clusterNodes.map((n) => ({ ...n, state: n.id === 2 ? 'Self' : n.state === 'Self' ? 'Connected' : n.state, ...(n.id === 1 ? { lastSeen: iso(2) } : {}) }));
  }
  return { id, finished: done === JOIN_STEPS.length, steps };
}

async function readBody(req) {
  const parts = [];
  for await (const p of req) parts.push(p);
  return Buffer.concat(parts).toString('utf8');
}

function parseBody(req, raw) {
  const type = req.headers['content-type'] ?? '';
  if (type.startsWith('multipart/form-data')) {
    const m = /\r\n\r\n([\s\S]*?)\r\n--/.exec(raw);
    return { params: {}, file: m?.[1] ?? '' };
  }
  return { params: Object.fromEntries(new URLSearchParams(raw)), file: '' };
}

function answer(res, body, headers = {}) {
  res.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-cache, no-store, must-revalidate', ...HEADERS, ...headers });
  res.end(JSON.stringify(body));
}

function login(st, p) {
  if (p.user !== 'admin' || p.pass !== st.password) throw new Refused('Invalid user name or password.');
  if (st.totp !== null && p.totp === undefined) throw new Refused('A time-based one-time code is needed.', '2fa-required');
  if (st.totp !== null && p.totp !== st.totp) throw new Refused('The code is wrong.');
}

const COOKIE = (v) => ({ 'Set-Cookie': `trellis_session=${v}; Path=/; HttpOnly; SameSite=Strict` });

async function api(st, req, res, url) {
  const path = url.pathname.slice('/api/'.length);
  const { params, file } = parseBody(req, await readBody(req));
  const p = { ...params, ...Object.fromEntries(url.searchParams) };
  const flat = (o) => ({ ...o, server: st.settings.dnsServerDomain, status: 'ok' });
  const id = /trellis_session=(\w+)/.exec(req.headers.cookie ?? '')?.[1];
  const open = (extra) => {
    const fresh = `s${st.sessions.size}${Math.random().toString(36).slice(2)}`;
    st.sessions.add(fresh);
    answer(res, flat(extra), COOKIE(fresh));
  };
  st.log?.push({ path, params: p });
  if (st.isDown) return void req.socket.destroy();
  if (path === 'user/setupStatus') return answer(res, flat({ response: { setupRequired: st.needsSetup } }));
  if (path === 'user/setup') {
    if (p.token !== st.setupToken) throw new Refused('Invalid set-up token.');
    Object.assign(st, { needsSetup: false, password: p.pass });
    return open(session(st));
  }
  if (path === 'user/login') {
    login(st, p);
    return open(session(st));
  }
  if (path === 'user/logout') {
    st.sessions.delete(id);
    return answer(res, flat({}), COOKIE(''));
  }
  const single = p.token !== undefined && st.singleUse.delete(p.token);
  const hasCookie = st.sessions.has(id) && req.headers['x-trellis'] === '1' && req.method === 'POST';
  if (!single && !hasCookie) throw new Refused('Invalid token or session expired.', 'invalid-token');
  if (path === 'user/session/get') return answer(res, flat(session(st)));
  if (path === 'user/createToken') return answer(res, flat(addToken(st, 'admin', p.tokenName)));
  if (path === 'zones/export') return sendFile(res, zoneFile(st, p.zone), `${p.zone}.zone`);
  const names = /^(allowed|blocked)\/export$/.exec(path);
  if (names) return sendFile(res, st.names[names[1]].join('\n') + '\n', `${names[1]}.txt`);
  const call = CALLS[path];
  if (!call) {
    res.writeHead(404, HEADERS);
    return void res.end();
  }
  return answer(res, flat({ response: call(st, p, file) }));
}

function sendFile(res, text, name) {
  res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Disposition': `attachment;filename=${name}`, ...HEADERS });
  res.end(text);
}

async function files(res, path) {
  const manifest = (await readFile(join(dist, 'manifest.tsv'), 'utf8')).trim().split('\n').map((l) => l.split('\t'));
  const name = path === '/' ? 'index.html' : path.slice(1);
  const row = manifest.find((r) => r[0] === name);
  if (!row) {
    res.writeHead(404, HEADERS);
    return void res.end();
  }
  res.writeHead(200, { 'Content-Type': row[1], 'Cache-Control': name === 'index.html' ? 'no-cache' : 'public, max-age=31536000, immutable', ...HEADERS });
  res.end(await readFile(join(dist, name)));
}

/** Starts the server. Resolves to { url, state, close }; tests reach into `state`. */
export async function startMock(options = {}, port = 0) {
  const state = makeState(options);
  const server = createServer((req, res) => {
    const url = new URL(req.url, 'http://mock');
    const job = url.pathname.startsWith('/api/') ? api(state, req, res, url) : files(res, url.pathname);
    job.catch((e) => {
      if (e instanceof Refused) return answer(res, { server: state.settings.dnsServerDomain, status: e.status, errorMessage: e.message });
      console.error(e);
      res.writeHead(500).end();
      return undefined;
    });
  });
  await new Promise((ok) => server.listen(port, '127.0.0.1', ok));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    state,
    close: () => {
      server.closeAllConnections();
      return new Promise((ok) => server.close(ok));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({ zones: 1194, isClustered: !process.argv.includes('--alone'), needsSetup: process.argv.includes('--setup') }, Number(process.argv[2] ?? 8080));
  console.log(`${mock.url}  user admin, password “correct horse battery”`);
}
