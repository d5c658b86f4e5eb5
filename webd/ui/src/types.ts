// The API's answers, as far as the panel reads them. Names and forms are the API's.

export interface SetupStatus {
  setupRequired: boolean;
}

export type ZoneType =
  | 'Primary'
  | 'Secondary'
  | 'Stub'
  | 'Forwarder'
  | 'SecondaryForwarder'
  | 'Catalog'
  | 'SecondaryCatalog';

export type Section =
  | 'Dashboard'
  | 'Zones'
  | 'Cache'
  | 'Allowed'
  | 'Blocked'
  | 'Apps'
  | 'DnsClient'
  | 'Settings'
  | 'DhcpServer'
  | 'Administration'
  | 'Logs';

export interface Rights {
  canView: boolean;
  canModify: boolean;
  canDelete: boolean;
}

export type NodeState = 'Self' | 'Connected' | 'Unreachable' | 'Unknown';

/** What the node has of the config; added to the compatible answer. */
export interface NodeConfig {
  epoch?: number;
  seq?: number;
  dnsdSeq?: number;
  webdSeq?: number;
  refused?: string;
}

export interface ClusterNode {
  id: number;
  name: string;
  url: string;
  ipAddresses: string[];
  type: 'Primary' | 'Secondary';
  state: NodeState;
  upSince?: string;
  lastSeen?: string;
  configLastSynced?: string;
  config?: NodeConfig;
  productVersion?: string;
  lastError?: string;
}

export interface SessionInfo {
  version: string;
  uptimestamp: string;
  dnsServerDomain: string;
  defaultRecordTtl: number;
  defaultNsRecordTtl: number;
  defaultSoaRecordTtl: number;
  useSoaSerialDateScheme: boolean;
  clusterInitialized: boolean;
  clusterDomain?: string;
  clusterNodes?: ClusterNode[];
  permissions: Partial<Record<Section, Rights>>;
}

export interface Session {
  displayName?: string;
  username: string;
  isSsoUser?: boolean;
  totpEnabled?: boolean;
  info: SessionInfo;
}

export interface Zone {
  name: string;
  nameIdn?: string;
  type: ZoneType;
  lastModified: string;
  disabled: boolean;
  soaSerial: number;
  internal?: boolean;
  catalog?: string | null;
  dnssecStatus?: string;
  hasDnssecPrivateKeys?: boolean;
  validationFailed?: boolean;
  expiry?: string;
  isExpired?: boolean;
  syncFailed?: boolean;
  notifyFailed?: boolean;
  notifyFailedFor?: string[];
}

export interface ZoneList {
  zones: Zone[];
  totalZones?: number;
  totalPages?: number;
}

export type RData = Record<string, unknown>;

export interface ZoneRecord {
  name: string;
  nameIdn?: string;
  type: string;
  ttl: number;
  ttlString: string;
  disabled: boolean;
  comments?: string;
  rData: RData;
  glueRecords?: string[];
  lastUsedOn?: string;
  lastModified?: string;
  expiryTtl?: number;
  expiryTtlString?: string;
}

export interface RecordList {
  zone: Zone;
  records: ZoneRecord[];
}

export interface UpdatePolicy {
  tsigKeyName: string;
  domain: string;
  allowedTypes: string[];
}

export interface ZoneOptions {
  name: string;
  type: ZoneType;
  disabled: boolean;
  notifyFailed?: boolean;
  notifyFailedFor?: string[];
  catalog?: string | null;
  isSecondaryCatalogMember?: boolean;
  overrideCatalogQueryAccess?: boolean;
  overrideCatalogZoneTransfer?: boolean;
  overrideCatalogNotify?: boolean;
  overrideCatalogPrimaryNameServers?: boolean;
  primaryNameServerAddresses?: string[];
  primaryZoneTransferProtocol?: string;
  primaryZoneTransferTsigKeyName?: string | null;
  validateZone?: boolean;
  queryAccess?: string;
  queryAccessNetworkACL?: string[];
  zoneTransfer?: string;
  zoneTransferNetworkACL?: string[];
  zoneTransferTsigKeyNames?: string[];
  notify?: string;
  notifyNameServers?: string[];
  notifySecondaryCatalogsNameServers?: string[];
  update?: string;
  updateNetworkACL?: string[];
  updateSecurityPolicies?: UpdatePolicy[];
  availableCatalogZoneNames?: string[];
  availableTsigKeyNames?: string[];
}

export interface UserRight extends Rights {
  username: string;
}

export interface GroupRight extends Rights {
  name: string;
}

export interface Permissions {
  section: string;
  subItem?: string;
  userPermissions: UserRight[];
  groupPermissions: GroupRight[];
  users?: string[];
  groups?: string[];
}

export type NameKind = 'allowed' | 'blocked';

export interface SessionRow {
  username: string;
  isCurrentSession: boolean;
  partialToken: string;
  type: string;
  tokenName: string | null;
  lastSeen: string;
  lastSeenRemoteAddress: string;
  lastSeenUserAgent: string | null;
}

export interface User {
  displayName: string;
  username: string;
  isSsoUser: boolean;
  totpEnabled?: boolean;
  disabled: boolean;
  previousSessionLoggedOn: string;
  previousSessionRemoteAddress: string;
  recentSessionLoggedOn: string;
  recentSessionRemoteAddress: string;
}

export interface UserDetails extends User {
  sessionTimeoutSeconds: number;
  memberOfGroups: string[];
  sessions: SessionRow[];
  groups?: string[];
}

export interface Group {
  name: string;
  description: string;
}

export interface GroupDetails extends Group {
  members: string[];
  users?: string[];
}

export type Settings = Record<string, unknown>;

export interface ClusterState {
  version: string;
  dnsServerDomain: string;
  clusterInitialized: boolean;
  clusterDomain?: string;
  heartbeatRefreshIntervalSeconds?: number;
  heartbeatRetryIntervalSeconds?: number;
  configRefreshIntervalSeconds?: number;
  configRetryIntervalSeconds?: number;
  clusterNodes?: ClusterNode[];
  serverIpAddresses?: string[];
  clusterCatalog?: string;
  configVersion?: { epoch: number; seq: number };
  configVersionTime?: string;
}

export interface TaskStep {
  name: string;
  done: boolean;
  ms: number;
}

export interface Task {
  id: number;
  finished: boolean;
  steps: TaskStep[];
  error?: string;
}

export interface JoinToken {
  token: string;
  expires: string;
}

export interface Commit {
  revision: number;
  epoch: number;
  seq: number;
  time: string;
  actor: string;
  node: string;
  summary: string;
  changes: number;
}

export interface History {
  commits: Commit[];
}

export interface DiffRow {
  path: string;
  before: string;
  after: string;
}

export interface Diff {
  rows: DiffRow[];
}
