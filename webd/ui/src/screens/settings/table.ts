// Every setting of the API, one row each: group, scope, form field, default. Label and hint are the
// texts "setting.NAME" and "setting.NAME.hint".
import { formatTtl, parseTtl } from '../../i18n';
import { check, integer, optional, splitList, type Check } from '../../validate';

export const GROUPS = ['general', 'web', 'protocols', 'tsig', 'recursion', 'cache', 'blocking', 'forwarding', 'logging'] as const;
export type GroupName = (typeof GROUPS)[number];

/** cluster = shared by all nodes; node = each node has its own. */
export type Scope = 'cluster' | 'node';

export type Kind =
  | { is: 'bool' }
  | { is: 'text'; check?: Check; unit?: string; isSecret?: boolean }
  | { is: 'ttl' }
  | { is: 'choice'; options: readonly string[] }
  | { is: 'list'; check: Check }
  | { is: 'limits' } // prefix, UDP, TCP
  | { is: 'keys' }; // TSIG: name, secret, algorithm

export interface Setting {
  name: string;
  group: GroupName;
  scope: Scope;
  kind: Kind;
  initial: unknown; // of a fresh install; undefined = depends on the machine
  withAlso?: readonly string[]; // the API reads these only together
}

const bool: Kind = { is: 'bool' };
const ttl: Kind = { is: 'ttl' };
const int = (min: number, max: number, unit?: string): Kind => ({ is: 'text', check: integer(min, max), ...(unit === undefined ? {} : { unit }) });
const text = (c?: Check): Kind => ({ is: 'text', ...(c ? { check: c } : {}) });
const list = (c: Check): Kind => ({ is: 'list', check: c });
const choice = (...options: string[]): Kind => ({ is: 'choice', options });
const port: Kind = { is: 'text', check: check.port };
const secret: Kind = { is: 'text', isSecret: true };
const MANY = 2_147_483_647;

type Row = readonly [name: string, kind: Kind, initial: unknown, withAlso?: readonly string[]];

function rows(group: GroupName, scope: Scope, all: readonly Row[]): Setting[] {
  return all.map(([name, kind, initial, withAlso]) => ({ name, group, scope, kind, initial, ...(withAlso ? { withAlso } : {}) }));
}

const PROXY = ['proxyType', 'proxyAddress', 'proxyPort', 'proxyUsername', 'proxyPassword', 'proxyBypass'];

export const SETTINGS: readonly Setting[] = [
  ...rows('general', 'node', [
    ['dnsServerDomain', text(check.name), undefined],
    ['dnsServerLocalEndPoints', list(check.endpoint), ['0.0.0.0:53', '[::]:53']],
    ['dnsServerIPv4SourceAddresses', list(check.network), ['0.0.0.0']],
    ['dnsServerIPv6SourceAddresses', list(check.network), ['::']],
    ['ipv6Mode', choice('Disabled', 'Enabled', 'Preferred'), 'Disabled'],
    ['enableUdpSocketPool', bool, undefined],
    ['socketPoolExcludedPorts', list(check.port), [53443]],
  ]),
  ...rows('general', 'cluster', [
    ['defaultRecordTtl', ttl, 3600],
    ['defaultNsRecordTtl', ttl, 14400],
    ['defaultSoaRecordTtl', ttl, 900],
    ['defaultResponsiblePerson', text(optional(check.email)), null],
    ['useSoaSerialDateScheme', bool, false],
    ['minSoaRefresh', ttl, 300],
    ['minSoaRetry', ttl, 300],
    ['zoneTransferAllowedNetworks', list(check.network), []],
    ['notifyAllowedNetworks', list(check.network), []],
    ['dnsAppsEnableAutomaticUpdate', bool, true],
    ['udpPayloadSize', int(512, 4096, 'bytes'), 1232],
    ['dnssecValidation', bool, true],
    ['eDnsClientSubnet', bool, false],
    ['eDnsClientSubnetIPv4PrefixLength', int(0, 32), 24],
    ['eDnsClientSubnetIPv6PrefixLength', int(0, 64), 56],
    ['eDnsClientSubnetIpv4Override', text(optional(check.network)), null],
    ['eDnsClientSubnetIpv6Override', text(optional(check.network)), null],
    ['qpmPrefixLimitsIPv4', { is: 'limits' }, [{ prefix: 32, udpLimit: 600, tcpLimit: 600 }, { prefix: 24, udpLimit: 6000, tcpLimit: 6000 }]],
    ['qpmPrefixLimitsIPv6', { is: 'limits' }, [{ prefix: 128, udpLimit: 600, tcpLimit: 600 }, { prefix: 64, udpLimit: 1200, tcpLimit: 1200 }, { prefix: 56, udpLimit: 6000, tcpLimit: 6000 }]],
    ['qpmLimitSampleMinutes', int(1, 60, 'min'), 5],
    ['qpmLimitUdpTruncationPercentage', int(0, 100, '%'), 50],
    ['qpmLimitBypassList', list(check.network), []],
    ['clientTimeout', int(1000, 10_000, 'ms'), 2000],
    ['tcpSendTimeout', int(1000, 90_000, 'ms'), 10000],
    ['tcpReceiveTimeout', int(1000, 90_000, 'ms'), 10000],
    ['quicIdleTimeout', int(1000, 90_000, 'ms'), 60000],
    ['quicMaxInboundStreams', int(1, 1000), 100],
    ['listenBacklog', int(1, 65_535), 100],
    ['udpSendBufferSizeKB', int(8, 65_536, 'KB'), 2048],
    ['udpReceiveBufferSizeKB', int(8, 65_536, 'KB'), 2048],
    ['maxConcurrentResolutionsPerCore', int(1, 65_535), 100],
  ]),
  ...rows('web', 'node', [
    ['webServiceLocalAddresses', list(check.ip), ['0.0.0.0', '[::]']],
    ['webServiceHttpPort', port, 5380],
    ['webServiceEnableTls', bool, false],
    ['webServiceTlsPort', port, 53443],
    ['webServiceEnableHttp3', bool, false],
    ['webServiceHttpToTlsRedirect', bool, false],
    ['webServiceUseSelfSignedTlsCertificate', bool, false],
    ['webServiceTlsCertificatePath', text(), null],
    ['webServiceTlsCertificatePassword', secret, null],
    ['webServiceReverseProxyAddresses', list(check.acl), undefined],
    ['webServiceRealIpHeader', text(check.required), 'X-Real-IP'],
  ]),
  ...rows('protocols', 'node', [
    ['enableEDnsClientSubnetSourceAddress', bool, false],
    ['enableDnsOverUdpProxy', bool, false],
    ['dnsOverUdpProxyPort', port, 538],
    ['enableDnsOverTcpProxy', bool, false],
    ['dnsOverTcpProxyPort', port, 538],
    ['enableDnsOverHttp', bool, false],
    ['dnsOverHttpPort', port, 80],
    ['enableDnsOverTls', bool, false],
    ['dnsOverTlsPort', port, 853],
    ['enableDnsOverHttps', bool, false],
    ['enableDnsOverHttp3', bool, false],
    ['dnsOverHttpsPort', port, 443],
    ['enableDnsOverQuic', bool, false],
    ['dnsOverQuicPort', port, 853],
    ['dnsReverseProxyNetworkACL', list(check.acl), []],
    ['dnsOverHttpRealIpHeader', text(check.required), 'X-Real-IP'],
    ['dnsTlsCertificatePath', text(), null],
    ['dnsTlsCertificatePassword', secret, null],
  ]),
  ...rows('tsig', 'cluster', [['tsigKeys', { is: 'keys' }, []]]),
  ...rows('recursion', 'cluster', [
    ['recursion', choice('Deny', 'Allow', 'AllowOnlyForPrivateNetworks', 'UseSpecifiedNetworkACL'), 'AllowOnlyForPrivateNetworks'],
    ['recursionNetworkACL', list(check.acl), []],
    ['randomizeName', bool, false],
    ['qnameMinimization', bool, true],
    ['resolverRetries', int(1, 10), 2],
    ['resolverTimeout', int(1000, 10_000, 'ms'), 1500],
    ['resolverConcurrency', int(1, 4), 2],
    ['resolverMaxStackCount', int(10, 30), 16],
  ]),
  ...rows('cache', 'node', [
    ['saveCache', bool, true],
    ['serveStale', bool, true],
    ['serveStaleTtl', ttl, 259200],
    ['serveStaleAnswerTtl', ttl, 30],
    ['serveStaleResetTtl', ttl, 30],
    ['serveStaleMaxWaitTime', int(0, 1800, 'ms'), 1800],
    ['cacheMaximumEntries', int(0, Number.MAX_SAFE_INTEGER), 10000],
    ['cacheMinimumRecordTtl', ttl, 10],
    ['cacheMaximumRecordTtl', ttl, 604800],
    ['cacheNegativeRecordTtl', ttl, 300],
    ['cacheFailureRecordTtl', ttl, 10],
    ['cachePrefetchEligibility', int(2, MANY, 's'), 2],
    ['cachePrefetchTrigger', int(0, MANY, 's'), 9],
    ['cachePrefetchSampleIntervalInMinutes', int(1, 60, 'min'), 5],
    ['cachePrefetchSampleEligibilityHitsPerHour', int(1, MANY), 30],
  ]),
  ...rows('blocking', 'cluster', [
    ['enableBlocking', bool, true],
    ['allowTxtBlockingReport', bool, true],
    ['blockingBypassList', list(check.network), []],
    ['blockingType', choice('NxDomain', 'AnyAddress', 'CustomAddress'), 'NxDomain'],
    ['customBlockingAddresses', list(check.ip), []],
    ['blockingAnswerTtl', ttl, 30],
    ['blockListUrls', list((s) => check.url(s.replace(/^[!#]\s*/, ''))), null],
    ['blockListUpdateIntervalHours', int(0, 168, 'h'), 24],
  ]),
  ...rows('forwarding', 'cluster', [
    ['proxyType', choice('None', 'Http', 'Socks5'), 'None', PROXY],
    ['proxyAddress', text(), null, PROXY],
    ['proxyPort', text(optional(check.port)), null, PROXY],
    ['proxyUsername', text(), null, PROXY],
    ['proxyPassword', secret, null, PROXY],
    ['proxyBypass', list(check.required), undefined, PROXY],
    ['forwarders', list(check.server), null],
    ['forwarderProtocol', choice('Udp', 'Tcp', 'Tls', 'Https', 'Quic'), 'Udp', ['forwarders', 'forwarderProtocol']],
    ['concurrentForwarding', bool, true],
    ['forwarderConcurrency', int(1, 10), 2],
    ['forwarderRetries', int(1, 10), 3],
    ['forwarderTimeout', int(1000, 10_000, 'ms'), 2000],
  ]),
  ...rows('logging', 'node', [
    ['loggingType', choice('None', 'File', 'Console', 'FileAndConsole'), 'File'],
    ['ignoreResolverLogs', bool, false],
    ['logQueries', bool, false],
    ['useLocalTime', bool, false],
    ['logFolder', text(check.required), undefined],
    ['maxLogFileDays', int(0, MANY, 'days'), 365],
    ['enableInMemoryStats', bool, false],
    ['maxStatFileDays', int(0, MANY, 'days'), 365],
  ]),
];

/** Settings whose feature is not built yet are stored by the server all the same. */
export function findSetting(name: string): Setting | undefined {
  return SETTINGS.find((s) => s.name === name);
}

export interface LimitRow {
  prefix: number;
  udpLimit: number;
  tcpLimit: number;
}

export interface KeyRow {
  keyName: string;
  sharedSecret: string;
  algorithmName: string;
}

/** The value of a setting in the answer of settings/get; the proxy comes as one object. */
export function readValue(s: Setting, answer: Readonly<Record<string, unknown>>): unknown {
  if (!s.name.startsWith('proxy')) return answer[s.name] ?? null;
  const proxy = answer['proxy'] as Record<string, unknown> | null | undefined;
  if (s.name === 'proxyType') return proxy?.['type'] ?? 'None';
  const key = s.name.slice('proxy'.length);
  return proxy?.[key.charAt(0).toLowerCase() + key.slice(1)] ?? null;
}

/** How the form holds a value: text; rows as JSON. */
export function toForm(s: Setting, value: unknown): string {
  switch (s.kind.is) {
    case 'list':
      return Array.isArray(value) ? value.join('\n') : '';
    case 'limits':
    case 'keys':
      return JSON.stringify(value ?? []);
    case 'ttl':
      return typeof value === 'number' ? formatTtl(value) : '';
    default:
      return value === null || value === undefined ? '' : String(value);
  }
}

/** How the value goes to the server. */
export function toApi(s: Setting, form: string): string {
  switch (s.kind.is) {
    case 'list': {
      const items = splitList(form);
      return items.length === 0 ? 'false' : items.join(',');
    }
    case 'limits': {
      const all = JSON.parse(form) as LimitRow[];
      return all.length === 0 ? 'false' : all.flatMap((r) => [r.prefix, r.udpLimit, r.tcpLimit]).join('|');
    }
    case 'keys': {
      const all = JSON.parse(form) as KeyRow[];
      return all.length === 0 ? 'false' : all.flatMap((r) => [r.keyName.trim(), r.sharedSecret.trim(), r.algorithmName]).join('|');
    }
    case 'ttl':
      return String(parseTtl(form) ?? form);
    default:
      return form.trim();
  }
}

/** True when the form's text means the value it started with. */
export function isSame(s: Setting, a: string, b: string): boolean {
  return a === b || toApi(s, a) === toApi(s, b);
}
