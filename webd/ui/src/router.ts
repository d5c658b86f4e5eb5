// Hash routes: "#/zones/example.com?tab=options&node=ns2". The path names the section and the
// object, the query holds everything else that a reload must bring back.
import { signal } from '@preact/signals';

export interface Route {
  path: string[]; // decoded segments
  query: Record<string, string>;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** Reads a hash, with or without the leading "#". Broken escapes are taken as they stand. */
export function parseHash(hash: string): Route {
  const text = hash.replace(/^#/, '');
  const cut = text.indexOf('?');
  const path = (cut < 0 ? text : text.slice(0, cut)).split('/').filter((s) => s !== '').map(decode);
  const query: Record<string, string> = {};
  if (cut >= 0) {
    for (const pair of text.slice(cut + 1).split('&')) {
      if (pair === '') continue;
      const eq = pair.indexOf('=');
      const name = decode(eq < 0 ? pair : pair.slice(0, eq));
      query[name] = eq < 0 ? '' : decode(pair.slice(eq + 1).replace(/\+/g, '%20'));
    }
  }
  return { path, query };
}

/** Writes a hash; empty, false, null and undefined values are left out. */
export function formatHash(path: readonly string[], query: Query = {}): string {
  const q = Object.entries(query)
    .filter(([, v]) => v !== null && v !== undefined && v !== '' && v !== false)
    .map(([k, v]) => `${encode(k)}=${encode(String(v))}`)
    .join('&');
  return `#/${path.map(encode).join('/')}${q === '' ? '' : `?${q}`}`;
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}

/* Readable in the address bar: only what would break the hash or a query is escaped. */
function encode(s: string): string {
  return encodeURIComponent(s).replace(/%(3A|40|2C|2F|2A)/gi, (m) =>
    m === '%2F' ? m : decodeURIComponent(m),
  );
}

export const route = signal<Route>(parseHash(''));

type Guard = (leave: () => void) => void;

let guard: Guard | null = null;
let settled = '';

/** Registers the page's question about unsaved changes; it calls `leave` to go on. Null takes it back. */
export function setGuard(fn: Guard | null): void {
  guard = fn;
}

function take(): void {
  const wanted = location.hash;
  const next = parseHash(wanted);
  const isLeaving = next.path[0] !== route.value.path[0];
  if (guard && isLeaving) {
    history.pushState(null, '', settled);
    guard(() => {
      guard = null;
      location.hash = wanted;
    });
    return;
  }
  settled = wanted;
  route.value = next;
}

/** Starts following the address bar. */
export function startRouter(): void {
  addEventListener('hashchange', take);
  settled = location.hash;
  route.value = parseHash(location.hash);
}

/** The hash of a page, keeping the node that is shown. */
export function href(path: readonly string[], query: Query = {}): string {
  return formatHash(path, { node: route.value.query['node'], ...query });
}

/** Opens a page. `replace` leaves no entry in the history. */
export function go(path: readonly string[], query: Query = {}, replace = false): void {
  move(href(path, query), replace);
}

/** Changes parts of the query of this page; null removes one. */
export function setQuery(change: Query, replace = true): void {
  move(formatHash(route.value.path, { ...route.value.query, ...change }), replace);
}

function move(hash: string, replace: boolean): void {
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(null, '', hash);
    take();
  } else {
    location.hash = hash;
  }
}

/** The open dialog, "name" or "name:argument", is part of the address. */
export function openDialog(name: string, arg?: string): void {
  setQuery({ dialog: arg === undefined ? name : `${name}:${arg}` }, false);
}

export function closeDialog(): void {
  setQuery({ dialog: null });
}

/** The argument of the named dialog ("" without one), or null while it is closed. */
export function dialogArg(name: string): string | null {
  const d = route.value.query['dialog'];
  if (d === undefined) return null;
  if (d === name) return '';
  return d.startsWith(`${name}:`) ? d.slice(name.length + 1) : null;
}
