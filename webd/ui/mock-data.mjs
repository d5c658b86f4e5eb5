// What the stand-in for webd starts with: zones, records, users, settings, a cluster of four.

export const SECTIONS = ['Dashboard', 'Zones', 'Cache', 'Allowed', 'Blocked', 'Apps', 'DnsClient', 'Settings', 'DhcpServer', 'Administration', 'Logs'];
export const GROUPS = ['Administrators', 'DNS Administrators', 'DHCP Administrators'];
export const ALL = { canView: true, canModify: true, canDelete: true };
export const NEVER = '0001-01-01T00:00:00Z';
export const iso = (secondsAgo) => new Date(Date.now() - secondsAgo * 1000).toISOString();

export function node(id, host, type, state, seen, seq, newest) {
  return {
    id,
    name: `${host}.dns.example.net`,
    url: `https://${host}.dns.example.net:53443/`,
    ipAddresses: id === 1 ? ['192.0.2.10', '2001:db8::10'] : [`192.0.2.${id}0`],
    type,
    state,
    upSince: iso(id === 3 ? 1_040_000 : 3_550_000),
    ...(state === 'Self' ? {} : { lastSeen: iso(seen) }),
    ...(type === 'Secondary' ? { configLastSynced: iso(seen + 36) } : {}),
    config: { epoch: 1, seq, dnsdSeq: seq, webdSeq: seq, lag: newest - seq },
    productVersion: '0.1.0',
  };
}

export function cluster() {
  return {
    clusterDomain: 'dns.example.net',
    heartbeatRefreshIntervalSeconds: 30,
    heartbeatRetryIntervalSeconds: 10,
    configRefreshIntervalSeconds: 900,
    configRetryIntervalSeconds: 60,
    clusterCatalog: 'cluster-catalog.dns.example.net',
    configVersion: { epoch: 1, seq: 318 },
    configVersionTime: iso(360),
    clusterNodes: [
      node(1, 'ns1', 'Primary', 'Self', 0, 318, 318),
      node(2, 'ns2', 'Secondary', 'Connected', 4, 318, 318),
      node(3, 'ns3', 'Secondary', 'Unreachable', 1620, 316, 318),
      node(4, 'ns4', 'Secondary', 'Connected', 9, 318, 318),
    ],
  };
}

export function zone(name, type, extra = {}) {
  return {
    name,
    type,
    lastModified: iso(360),
    disabled: false,
    soaSerial: 2026112304,
    ...(type === 'Primary' ? { internal: false } : {}),
    ...(/Catalog$/.test(type) ? {} : { catalog: null }),
    ...(['Primary', 'Secondary'].includes(type) ? { dnssecStatus: 'Unsigned', hasDnssecPrivateKeys: false } : {}),
    ...(type === 'Primary' ? { notifyFailed: false, notifyFailedFor: [] } : { expiry: iso(-500_000), isExpired: false, syncFailed: false }),
    ...extra,
  };
}

export function record(name, type, ttl, rData, extra = {}) {
  return { name, type, ttl, ttlString: `${ttl}s`, disabled: false, comments: '', rData, dnssecStatus: 'Unknown', lastUsedOn: iso(3), lastModified: iso(86_400), expiryTtl: 0, expiryTtlString: '0s', ...extra };
}

export const soa = (z) =>
  record(z, 'SOA', 900, { primaryNameServer: 'ns1.example.com', responsiblePerson: 'hostmaster@example.com', serial: 2026112304, refresh: 900, retry: 300, expire: 604800, minimum: 900, useSerialDateScheme: true });

function exampleRecords() {
  const z = 'example.com';
  return [
    soa(z),
    record(z, 'NS', 14400, { nameServer: 'ns1.example.com' }),
    record(z, 'NS', 14400, { nameServer: 'ns2.example.com' }),
    record(z, 'A', 3600, { ipAddress: '192.0.2.80' }, { comments: 'web front end' }),
    record(z, 'HTTPS', 3600, { svcPriority: 1, svcTargetName: '.', svcParams: { alpn: 'h2,h3' }, autoIpv4Hint: false, autoIpv6Hint: false }),
    record(z, 'CAA', 3600, { flags: 0, tag: 'issue', value: 'ca.example.net' }),
    record(z, 'MX', 3600, { preference: 10, exchange: 'mx1.example.com' }, { comments: 'primary mail path' }),
    record(`_dmarc.${z}`, 'TXT', 3600, { text: 'v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com', splitText: false, characterStrings: ['v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com'] }),
    record(`k1._domainkey.${z}`, 'TXT', 3600, { text: 'v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv1Xk3mJ0w9Zq', splitText: false, characterStrings: ['v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv1Xk3mJ0w9Zq'] }),
    record(`_sip._tcp.${z}`, 'SRV', 3600, { priority: 10, weight: 60, port: 5060, target: 'sip.example.com' }),
    record(`api.${z}`, 'A', 300, { ipAddress: '192.0.2.81' }, { comments: 'moved from .71' }),
    record(`dev.${z}`, 'A', 300, { ipAddress: '192.0.2.120' }, { disabled: true, comments: 'lab', lastUsedOn: iso(260_000) }),
    record(`ns1.${z}`, 'A', 3600, { ipAddress: '192.0.2.10' }),
    record(`ns2.${z}`, 'A', 3600, { ipAddress: '192.0.2.20' }),
    record(`old.${z}`, 'A', 3600, { ipAddress: '192.0.2.9' }, { lastUsedOn: NEVER, expiryTtl: 604800 }),
    record(`sip.${z}`, 'A', 3600, { ipAddress: '192.0.2.60' }),
    record(`www.${z}`, 'CNAME', 3600, { cname: 'example.com' }),
  ];
}

/** The data of one server. `zones` fills up with made-up zones; `records` likewise in "big.example". */
export function makeState({ zones = 40, records = 3000, isClustered = true, needsSetup = false } = {}) {
  const list = [
    zone('', 'Secondary', { soaSerial: 2026112300, validationFailed: false }),
    zone('dns.example.net', 'Primary', { dnssecStatus: 'SignedWithNSEC', hasDnssecPrivateKeys: true, catalog: 'cluster-catalog.dns.example.net' }),
    zone('cluster-catalog.dns.example.net', 'Catalog', { notifyFailed: false }),
    zone('example.com', 'Primary', { catalog: 'cluster-catalog.dns.example.net', notifyFailed: true, notifyFailedFor: ['ns2.example.com'] }),
    zone('big.example', 'Primary', {}),
    zone('partner.example', 'Secondary', { syncFailed: true }),
    zone('old.example', 'Secondary', { isExpired: true, expiry: iso(90_000) }),
    zone('xn--bcher-kva.example', 'Primary', { nameIdn: 'bücher.example' }),
    zone('2.0.192.in-addr.arpa', 'Primary', { disabled: true }),
    zone('localhost', 'Primary', { internal: true }),
  ];
  for (let i = 0; i < zones; i++) list.push(zone(`customer-${String(i).padStart(5, '0')}.example`, 'Primary', { lastModified: iso(i * 3_000), soaSerial: 2026110000 + i }));
  const recs = new Map([['example.com', exampleRecords()]]);
  const big = [soa('big.example'), record('big.example', 'NS', 14400, { nameServer: 'ns1.example.com' })];
  for (let i = 0; i < records; i++) big.push(record(`host-${String(i).padStart(6, '0')}.big.example`, i % 3 === 0 ? 'AAAA' : 'A', 3600, { ipAddress: i % 3 === 0 ? `2001:db8::${i.toString(16)}` : `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}` }));
  recs.set('big.example', big);
  return {
    needsSetup,
    setupToken: 'setup-token-of-the-mock',
    password: needsSetup ? null : 'correct horse battery',
    totp: null,
    sessions: new Set(),
    singleUse: new Set(),
    zones: list,
    records: recs,
    options: new Map(),
    zonePermissions: new Map(),
    names: { allowed: ['example.org', 'good.tracker.example'], blocked: ['ads.example', 'telemetry.example', 'tracker.example', 'xn--bcher-kva.example'] },
    settings: defaultSettings(),
    cluster: isClustered ? cluster() : null,
    tasks: new Map(),
    users: [
      { displayName: 'Ada Reyes', username: 'admin', disabled: false, groups: ['Administrators'], timeout: 1800 },
      { displayName: 'Max Operator', username: 'max', disabled: false, groups: ['DNS Administrators'], timeout: 1800 },
      { displayName: 'Old Hand', username: 'oldhand', disabled: true, groups: [], timeout: 1800 },
    ],
    groups: [
      { name: 'Administrators', description: 'All rights' },
      { name: 'DNS Administrators', description: 'All rights on zones, cache, allowed, blocked and settings' },
      { name: 'DHCP Administrators', description: 'All rights on DHCP' },
      { name: 'Helpdesk', description: 'Looks, and blocks names' },
    ],
    permissions: new Map(SECTIONS.map((s) => [s, { userPermissions: [], groupPermissions: [{ name: 'Administrators', ...ALL }, ...(['Zones', 'Allowed', 'Blocked', 'Settings'].includes(s) ? [{ name: 'DNS Administrators', ...ALL }] : []), ...(['Settings', 'Administration'].includes(s) ? [] : [{ name: 'Everyone', canView: true, canModify: false, canDelete: false }])] }])),
    tokens: [
      { username: 'admin', partialToken: 'a3f9c2d17e6b5a40', type: 'ApiToken', tokenName: 'backup job', lastSeen: iso(7_300), lastSeenRemoteAddress: '192.0.2.200', lastSeenUserAgent: 'curl/7.88.1' },
      { username: 'max', partialToken: '77e0a1b2c3d4e5f6', type: 'Standard', tokenName: null, lastSeen: iso(50), lastSeenRemoteAddress: '198.51.100.7', lastSeenUserAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' },
    ],
    history: [
      { revision: 412, epoch: 1, seq: 318, time: iso(360), actor: 'admin', node: 'ns1.dns.example.net', summary: 'block ads.example', changes: 1 },
      { revision: 411, epoch: 1, seq: 317, time: iso(4_000), actor: 'max', node: 'ns2.dns.example.net', summary: 'set 2 settings', changes: 2 },
      { revision: 409, epoch: 1, seq: 316, time: iso(90_000), actor: 'admin', node: 'ns1.dns.example.net', summary: 'add user max', changes: 1 },
      { revision: 408, epoch: 0, seq: 0, time: iso(190_000), actor: 'admin', node: 'ns1.dns.example.net', summary: 'set webServiceHttpPort', changes: 1 },
    ],
  };
}

function defaultSettings() {
  return {
    version: '0.1.0', uptimestamp: iso(3_553_000), dnsServerDomain: 'ns1.dns.example.net',
    dnsServerLocalEndPoints: ['0.0.0.0:53', '[::]:53'], dnsServerIPv4SourceAddresses: ['0.0.0.0'], dnsServerIPv6SourceAddresses: ['::'],
    defaultRecordTtl: 3600, defaultNsRecordTtl: 14400, defaultSoaRecordTtl: 900, defaultResponsiblePerson: null, useSoaSerialDateScheme: true, minSoaRefresh: 300, minSoaRetry: 300,
    zoneTransferAllowedNetworks: [], notifyAllowedNetworks: [], dnsAppsEnableAutomaticUpdate: true, ipv6Mode: 'Disabled', enableUdpSocketPool: false, socketPoolExcludedPorts: [53443],
    udpPayloadSize: 1232, dnssecValidation: true, eDnsClientSubnet: false, eDnsClientSubnetIPv4PrefixLength: 24, eDnsClientSubnetIPv6PrefixLength: 56, eDnsClientSubnetIpv4Override: null, eDnsClientSubnetIpv6Override: null,
    qpmPrefixLimitsIPv4: [{ prefix: 32, udpLimit: 600, tcpLimit: 600 }, { prefix: 24, udpLimit: 6000, tcpLimit: 6000 }],
    qpmPrefixLimitsIPv6: [{ prefix: 128, udpLimit: 600, tcpLimit: 600 }, { prefix: 64, udpLimit: 1200, tcpLimit: 1200 }, { prefix: 56, udpLimit: 6000, tcpLimit: 6000 }],
    qpmLimitSampleMinutes: 5, qpmLimitUdpTruncationPercentage: 50, qpmLimitBypassList: [], clientTimeout: 2000, tcpSendTimeout: 10000, tcpReceiveTimeout: 10000, quicIdleTimeout: 60000, quicMaxInboundStreams: 100, listenBacklog: 100, udpSendBufferSizeKB: 2048, udpReceiveBufferSizeKB: 2048, maxConcurrentResolutionsPerCore: 100,
    webServiceLocalAddresses: ['0.0.0.0', '[::]'], webServiceHttpPort: 5380, webServiceEnableTls: true, webServiceEnableHttp3: false, webServiceHttpToTlsRedirect: false, webServiceUseSelfSignedTlsCertificate: true, webServiceTlsPort: 53443, webServiceReverseProxyAddresses: ['127.0.0.0/8', '10.0.0.0/8'], webServiceRealIpHeader: 'X-Real-IP', webServiceTlsCertificatePath: null, webServiceTlsCertificatePassword: null,
    enableEDnsClientSubnetSourceAddress: false, enableDnsOverUdpProxy: false, enableDnsOverTcpProxy: false, enableDnsOverHttp: false, enableDnsOverTls: false, enableDnsOverHttps: false, enableDnsOverHttp3: false, enableDnsOverQuic: false, dnsOverUdpProxyPort: 538, dnsOverTcpProxyPort: 538, dnsOverHttpPort: 80, dnsOverTlsPort: 853, dnsOverHttpsPort: 443, dnsOverQuicPort: 853, dnsReverseProxyNetworkACL: [], dnsOverHttpRealIpHeader: 'X-Real-IP', dnsTlsCertificatePath: null, dnsTlsCertificatePassword: null,
    tsigKeys: [{ keyName: 'cluster-catalog.dns.example.net', sharedSecret: 'b64secretb64secretb64secretb64secretb64secr=', algorithmName: 'hmac-sha256' }],
    recursion: 'AllowOnlyForPrivateNetworks', recursionNetworkACL: [], randomizeName: false, qnameMinimization: true, resolverRetries: 2, resolverTimeout: 1500, resolverConcurrency: 2, resolverMaxStackCount: 16,
    saveCache: true, serveStale: true, serveStaleTtl: 259200, serveStaleAnswerTtl: 30, serveStaleResetTtl: 30, serveStaleMaxWaitTime: 1800, cacheMaximumEntries: 10000, cacheMinimumRecordTtl: 10, cacheMaximumRecordTtl: 604800, cacheNegativeRecordTtl: 300, cacheFailureRecordTtl: 10, cachePrefetchEligibility: 2, cachePrefetchTrigger: 9, cachePrefetchSampleIntervalInMinutes: 5, cachePrefetchSampleEligibilityHitsPerHour: 30,
    enableBlocking: true, allowTxtBlockingReport: true, blockingBypassList: [], blockingType: 'NxDomain', blockingAnswerTtl: 30, customBlockingAddresses: [], blockListUrls: null, blockListUpdateIntervalHours: 24,
    proxy: null, forwarders: null, forwarderProtocol: 'Udp', concurrentForwarding: true, forwarderRetries: 3, forwarderTimeout: 2000, forwarderConcurrency: 2,
    loggingType: 'File', ignoreResolverLogs: false, logQueries: false, useLocalTime: false, logFolder: 'logs', maxLogFileDays: 365, enableInMemoryStats: false, maxStatFileDays: 365,
  };
}
