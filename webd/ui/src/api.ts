// The typed client of the HTTP API: one function per call, and the rules that all calls share.
// Every call is a POST with a form body and the header that webd asks for from cookie sessions;
// nothing of the session is ever part of an address.
import { signal } from '@preact/signals';
import type * as T from './types';

/** Why a call failed. `offline`: no answer; `status` else as the API says it. */
export class ApiError extends Error {
  constructor(
    readonly status: 'error' | 'invalid-token' | '2fa-required' | 'offline',
    message: string,
    readonly detail = '',
  ) {
    super(message);
  }
}

export type Params = Record<string, string | number | boolean | undefined>;

/** False while the server does not answer; the shell shows a bar and tries again. */
export const online = signal(true);

interface Hooks {
  node: () => string | undefined; // the node that the reader chose; undefined = the one connected to
  primary: () => string | undefined; // the primary, when it is another node than the one connected to
  signedOut: () => void;
}

let hooks: Hooks = { node: () => undefined, primary: () => undefined, signedOut: () => undefined };

/** Connects the client to the shell. */
export function setHooks(h: Hooks): void {
  hooks = h;
}

/**
 * Whom a call reaches: the chosen node; the node connected to, which passes on by itself what only
 * the primary may do; or the primary, for the few calls that are not passed on.
 */
type Reach = 'node' | 'here' | 'primary';

function form(params: Params): URLSearchParams {
  const body = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== undefined) body.append(k, String(v));
  return body;
}

async function send(path: string, query: string, body: BodyInit, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = {
    method: 'POST',
    body,
    headers: { 'X-Trellis': '1' },
    credentials: 'same-origin',
    cache: 'no-store',
  };
  if (signal) init.signal = signal;
  let reply: Response;
  try {
    reply = await fetch(`api/${path}${query}`, init);
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    online.value = false;
    throw new ApiError('offline', '');
  }
  online.value = true;
  return reply;
}

interface Envelope {
  status?: string;
  errorMessage?: string;
  innerErrorMessage?: string;
  response?: unknown;
}

async function parse(reply: Response): Promise<Envelope> {
  let json: Envelope;
  try {
    json = (await reply.json()) as Envelope;
  } catch {
    throw new ApiError('error', `HTTP ${reply.status}`);
  }
  if (json.status === 'ok') return json;
  const status = json.status === 'invalid-token' || json.status === '2fa-required' ? json.status : 'error';
  throw new ApiError(status, json.errorMessage ?? `HTTP ${reply.status}`, json.innerErrorMessage ?? '');
}

async function raw(reach: Reach, path: string, params: Params, abort?: AbortSignal): Promise<Response> {
  const node = reach === 'here' ? undefined : hooks[reach]();
  return send(path, '', form(node === undefined ? params : { ...params, node }), abort);
}

async function call<R>(reach: Reach, path: string, params: Params = {}, abort?: AbortSignal): Promise<R> {
  try {
    const json = await parse(await raw(reach, path, params, abort));
    return (json.response ?? json) as R;
  } catch (e) {
    if (e instanceof ApiError && e.status === 'invalid-token') hooks.signedOut();
    throw e;
  }
}

/** A file sent as multipart; the other parameters go in the query, as the API asks. */
async function upload<R>(path: string, params: Params, file: Blob, name: string): Promise<R> {
  const node = hooks.node();
  const query = form(node === undefined ? params : { ...params, node }).toString();
  const body = new FormData();
  body.append('file', file, name);
  const json = await parse(await send(path, query === '' ? '' : `?${query}`, body));
  return (json.response ?? json) as R;
}

/** The text of a file call. A failure comes as JSON and is told apart by its media type. */
async function text(path: string, params: Params): Promise<string> {
  const reply = await raw('node', path, params);
  if ((reply.headers.get('Content-Type') ?? '').startsWith('application/json')) await parse(reply);
  return reply.text();
}

/** Lets the browser save a file: an address with a token that dies with this one use. */
async function download(path: string, params: Params): Promise<void> {
  const { token } = await call<{ token: string }>('here', 'user/createSingleUseToken');
  const node = hooks.node();
  const query = form({ ...params, ...(node === undefined ? {} : { node }), token });
  const a = document.createElement('a');
  a.href = `api/${path}?${query.toString()}`;
  a.download = '';
  document.body.append(a);
  a.click();
  a.remove();
}

/** A list for the API: comma separated, the word "false" for none. */
export function list(items: readonly string[]): string {
  return items.length === 0 ? 'false' : items.join(',');
}

/** A table for the API: cells and rows parted by bars, "false" for none. */
export function table(rows: readonly (readonly (string | number | boolean)[])[]): string {
  return rows.length === 0 ? 'false' : rows.map((r) => r.join('|')).join('|');
}

export const user = {
  setupStatus: () => call<T.SetupStatus>('here', 'user/setupStatus'),
  setup: (token: string, pass: string) => call<T.Session>('here', 'user/setup', { token, pass, includeInfo: true }),
  login: (name: string, pass: string, totp?: string) =>
    call<T.Session>('here', 'user/login', { user: name, pass, totp, includeInfo: true }),
  logout: () => call<object>('here', 'user/logout'),
  session: () => call<T.Session>('here', 'user/session/get'),
  changePassword: (pass: string, newPass: string, totp?: string) =>
    call<object>('here', 'user/changePassword', { pass, newPass, totp }),
  profile: () => call<T.UserDetails>('here', 'user/profile/get'),
  setProfile: (p: { displayName?: string; sessionTimeoutSeconds?: number }) =>
    call<T.UserDetails>('here', 'user/profile/set', p),
  createToken: (tokenName: string) => call<{ token: string }>('here', 'user/createToken', { tokenName }),
  deleteSession: (partialToken: string) => call<object>('here', 'user/session/delete', { partialToken }),
};

export interface CreateZone {
  zone: string;
  type: string;
  catalog?: string | undefined;
  useSoaSerialDateScheme?: boolean | undefined;
  primaryNameServerAddresses?: string | undefined;
  zoneTransferProtocol?: string | undefined;
  tsigKeyName?: string | undefined;
}

export interface ImportZone {
  overwrite: boolean;
  overwriteZone: boolean;
  overwriteSoaSerial: boolean;
}

export const zones = {
  list: () => call<T.ZoneList>('node', 'zones/list'),
  page: (pageNumber: number, zonesPerPage: number) =>
    call<T.ZoneList>('node', 'zones/list', { pageNumber, zonesPerPage }),
  create: (z: CreateZone) => call<{ domain: string }>('node', 'zones/create', { ...z }),
  /** With a zone file: a file with a fault creates nothing. */
  createFrom: (z: CreateZone, file: Blob, name: string) => upload<{ domain: string }>('zones/create', { ...z }, file, name),
  remove: (zone: string) => call<object>('node', 'zones/delete', { zone }),
  enable: (zone: string) => call<object>('node', 'zones/enable', { zone }),
  disable: (zone: string) => call<object>('node', 'zones/disable', { zone }),
  resync: (zone: string) => call<object>('node', 'zones/resync', { zone }),
  importFile: (zone: string, o: ImportZone, file: Blob, name: string) =>
    upload<object>('zones/import', { zone, ...o }, file, name),
  exportText: (zone: string) => text('zones/export', { zone }),
  exportFile: (zone: string) => download('zones/export', { zone }),
  catalogs: () => call<{ catalogZoneNames: string[] }>('node', 'zones/catalogs/list'),
  options: (zone: string) =>
    call<T.ZoneOptions>('node', 'zones/options/get', {
      zone,
      includeAvailableCatalogZoneNames: true,
      includeAvailableTsigKeyNames: true,
    }),
  setOptions: (zone: string, params: Params) => call<object>('node', 'zones/options/set', { zone, ...params }),
  permissions: (zone: string) =>
    call<T.Permissions>('node', 'zones/permissions/get', { zone, includeUsersAndGroups: true }),
  setPermissions: (zone: string, p: T.Permissions) =>
    call<T.Permissions>('node', 'zones/permissions/set', { zone, ...permissionTables(p) }),
};

export const records = {
  all: (zone: string) => call<T.RecordList>('node', 'zones/records/get', { zone, domain: zone, listZone: true }),
  ofName: (zone: string, domain: string) => call<T.RecordList>('node', 'zones/records/get', { zone, domain }),
  add: (zone: string, params: Params) =>
    call<{ addedRecord: T.ZoneRecord }>('node', 'zones/records/add', { zone, ...params }),
  update: (zone: string, params: Params) =>
    call<{ updatedRecord: T.ZoneRecord }>('node', 'zones/records/update', { zone, ...params }),
  remove: (zone: string, params: Params) => call<object>('node', 'zones/records/delete', { zone, ...params }),
};

/** The allowed and the blocked names are the same calls below two paths. */
export const names = {
  exportText: (kind: T.NameKind) => text(`${kind}/export`, {}),
  exportFile: (kind: T.NameKind) => download(`${kind}/export`, {}),
  add: (kind: T.NameKind, domain: string) => call<object>('here', `${kind}/add`, { domain }),
  remove: (kind: T.NameKind, domain: string) => call<object>('here', `${kind}/delete`, { domain }),
  flush: (kind: T.NameKind) => call<object>('here', `${kind}/flush`),
  importNames: (kind: T.NameKind, all: readonly string[]) =>
    call<object>('here', `${kind}/import`, { [`${kind}Zones`]: all.join(',') }),
};

export const settings = {
  get: () => call<T.Settings>('node', 'settings/get'),
  set: (params: Params) => call<T.Settings>('node', 'settings/set', params),
  tsigKeyNames: () => call<{ tsigKeyNames: string[] }>('node', 'settings/getTsigKeyNames'),
};

function permissionTables(p: T.Permissions): Params {
  return {
    userPermissions: table(p.userPermissions.map((r) => [r.username, r.canView, r.canModify, r.canDelete])),
    groupPermissions: table(p.groupPermissions.map((r) => [r.name, r.canView, r.canModify, r.canDelete])),
  };
}

export const admin = {
  sessions: () => call<{ sessions: T.SessionRow[] }>('node', 'admin/sessions/list'),
  createToken: (name: string, tokenName: string) =>
    call<{ token: string }>('here', 'admin/sessions/createToken', { user: name, tokenName }),
  deleteSession: (partialToken: string) => call<object>('node', 'admin/sessions/delete', { partialToken }),
  users: () => call<{ users: T.User[] }>('here', 'admin/users/list'),
  createUser: (name: string, pass: string, displayName: string) =>
    call<T.User>('here', 'admin/users/create', { user: name, pass, displayName }),
  user: (name: string) => call<T.UserDetails>('here', 'admin/users/get', { user: name, includeGroups: true }),
  setUser: (name: string, p: Params) => call<T.UserDetails>('here', 'admin/users/set', { user: name, ...p }),
  deleteUser: (name: string) => call<object>('here', 'admin/users/delete', { user: name }),
  groups: () => call<{ groups: T.Group[] }>('here', 'admin/groups/list'),
  createGroup: (group: string, description: string) =>
    call<T.Group>('here', 'admin/groups/create', { group, description }),
  group: (group: string) => call<T.GroupDetails>('here', 'admin/groups/get', { group, includeUsers: true }),
  setGroup: (group: string, p: Params) => call<T.GroupDetails>('here', 'admin/groups/set', { group, ...p }),
  deleteGroup: (group: string) => call<object>('here', 'admin/groups/delete', { group }),
  permissions: () => call<{ permissions: T.Permissions[] }>('here', 'admin/permissions/list'),
  permission: (section: string) =>
    call<T.Permissions>('primary', 'admin/permissions/get', { section, includeUsersAndGroups: true }),
  setPermission: (section: string, p: T.Permissions) =>
    call<T.Permissions>('primary', 'admin/permissions/set', { section, ...permissionTables(p) }),
  history: (before?: number) => call<T.History>('node', 'admin/config/history', { before, limit: 50 }),
  diff: (from: number, to: number) => call<T.Diff>('node', 'admin/config/diff', { from, to }),
  revert: (revision: number) => call<object>('here', 'admin/config/revert', { revision }),
};

export const cluster = {
  state: () => call<T.ClusterState>('node', 'admin/cluster/state', { includeServerIpAddresses: true }),
  init: (clusterDomain: string, addresses: readonly string[], foreign: boolean) =>
    call<T.ClusterState>('node', 'admin/cluster/init', {
      clusterDomain,
      primaryNodeIpAddresses: addresses.join(','),
      allowForeignAddresses: foreign,
    }),
  join: (p: Params) => call<T.Task>('node', 'admin/cluster/initJoin', { ...p, background: true }),
  task: (id: number) => call<T.Task>('node', 'admin/cluster/task', { id }),
  createJoinToken: (validSeconds: number) =>
    call<T.JoinToken>('node', 'admin/cluster/createJoinToken', { validSeconds }),
  setOptions: (p: Params) => call<T.ClusterState>('node', 'admin/cluster/primary/setOptions', p),
  remove: (id: number) => call<T.ClusterState>('node', 'admin/cluster/primary/removeSecondary', { secondaryNodeId: id }),
  drop: (id: number) => call<T.ClusterState>('node', 'admin/cluster/primary/deleteSecondary', { secondaryNodeId: id }),
  destroy: (forceDelete: boolean) => call<T.ClusterState>('node', 'admin/cluster/primary/delete', { forceDelete }),
  resync: () => call<object>('node', 'admin/cluster/secondary/resync'),
  leave: (forceLeave: boolean) => call<T.ClusterState>('node', 'admin/cluster/secondary/leave', { forceLeave }),
  updateAddresses: (all: readonly string[], foreign: boolean) =>
    call<T.ClusterState>('node', 'admin/cluster/updateIpAddress', { ipAddresses: all.join(','), allowForeignAddresses: foreign }),
  updatePrimary: (url: string, all: readonly string[]) =>
    call<T.ClusterState>('node', 'admin/cluster/secondary/updatePrimary', {
      primaryNodeUrl: url,
      primaryNodeIpAddresses: all.length === 0 ? undefined : all.join(','),
    }),
};
