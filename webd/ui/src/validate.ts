// Checks of what people type, before it goes to the server. Each returns what is wrong as a key of
// the catalogue, or null. The server checks again: these are for the quick answer beside the field.
import { parseTtl, type Key } from './i18n';

export type Check = (text: string) => Key | null;

export function isIpv4(s: string): boolean {
  const parts = s.split('.');
  return parts.length === 4 && parts.every((p) => /^\d{1,3}$/.test(p) && Number(p) <= 255 && String(Number(p)) === p);
}

export function isIpv6(s: string): boolean {
  let text = s.replace(/%[\w.-]+$/, '');
  const tail = /(^|:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail) {
    if (!isIpv4(tail[2] ?? '')) return false;
    text = `${text.slice(0, text.length - (tail[2] ?? '').length)}0:0`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((h) => (h === '' ? [] : h.split(':')));
  if (!groups.every((g) => /^[0-9a-f]{1,4}$/i.test(g))) return false;
  return halves.length === 2 ? groups.length <= 7 : groups.length === 8;
}

export const isIp = (s: string): boolean => isIpv4(s) || isIpv6(s);

export function isNetwork(s: string): boolean {
  const [address, length, more] = s.split('/');
  if (address === undefined || more !== undefined) return false;
  if (length === undefined) return isIp(address);
  if (!/^\d{1,3}$/.test(length)) return false;
  return isIpv4(address) ? Number(length) <= 32 : isIpv6(address) && Number(length) <= 128;
}

/** A domain name: labels up to 63, whole up to 253 characters; Unicode is for the server to convert. */
export function isName(s: string): boolean {
  if (s === '.' || s === '@') return true;
  const name = s.replace(/\.$/, '');
  if (name === '' || name.length > 253) return false;
  return name.split(/(?<!\\)\./).every((l) => l !== '' && l.length <= 63 && !/[\s"(),;<>/]/.test(l));
}

/** A name server address: "ip", "ip:port", "[v6]:port", "name", "name:port", with "(ip)" behind, or a URL. */
export function isServer(s: string): boolean {
  const m = /^(?:(?:udp|tcp|tls|quic):\/\/)?(\[[^\]]+\]|[^\s()/]+?)(?::(\d{1,5}))?(?:\s*\(([^)]+)\))?$/.exec(s);
  if (/^(https|h3):\/\/\S+/.test(s)) return true;
  if (isIp(s)) return true;
  if (!m) return false;
  const host = (m[1] ?? '').replace(/^\[|\]$/g, '');
  if (m[2] !== undefined && !isPort(m[2])) return false;
  return isIp(host) || isName(host);
}

export function isPort(s: string): boolean {
  return /^\d{1,5}$/.test(s) && Number(s) >= 1 && Number(s) <= 65535;
}

export function isUrl(s: string): boolean {
  try {
    return ['http:', 'https:', 'file:'].includes(new URL(s).protocol);
  } catch {
    return false;
  }
}

export function isEndpoint(s: string): boolean {
  if (isIp(s)) return true;
  const m = /^(\[[^\]]+\]|[\d.]+):(\d+)$/.exec(s);
  return m !== null && isIp((m[1] ?? '').replace(/^\[|\]$/g, '')) && isPort(m[2] ?? '');
}

const when = (ok: (s: string) => boolean, wrong: Key): Check => (s) => (ok(s.trim()) ? null : wrong);

export const check = {
  ipv4: when(isIpv4, 'check.ipv4'),
  ipv6: when(isIpv6, 'check.ipv6'),
  ip: when((s) => isIp(s.replace(/^\[|\]$/g, '')), 'check.ip'),
  network: when(isNetwork, 'check.network'),
  acl: when((s) => isNetwork(s.replace(/^!/, '')), 'check.acl'),
  name: when(isName, 'check.name'),
  zone: when((s) => isName(s) || isNetwork(s), 'check.zone'),
  server: when(isServer, 'check.server'),
  port: when(isPort, 'check.port'),
  url: when(isUrl, 'check.url'),
  endpoint: when(isEndpoint, 'check.endpoint'),
  ttl: when((s) => parseTtl(s) !== null, 'check.ttl'),
  hex: when((s) => /^([0-9a-f]{2}[\s:]?)+$/i.test(s), 'check.hex'),
  email: when((s) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(s) || isName(s), 'check.email'),
  required: when((s) => s !== '', 'check.required'),
} satisfies Record<string, Check>;

/** A whole number within bounds. */
export function integer(min: number, max: number): Check {
  return when((s) => /^-?\d{1,15}$/.test(s) && Number(s) >= min && Number(s) <= max, 'check.number');
}

/** Nothing typed is fine; anything typed must pass. */
export function optional(f: Check): Check {
  return (s) => (s.trim() === '' ? null : f(s));
}

/** The entries of a list field: one a line; commas and blanks part as well. */
export function splitList(text: string): string[] {
  return text.split(/[\n,]+/).map((s) => s.trim()).filter((s) => s !== '');
}

export interface BadLine {
  entry: string;
  wrong: Key;
}

/** The first entry of a list that does not pass. */
export function checkList(text: string, f: Check): BadLine | null {
  for (const entry of splitList(text)) {
    const wrong = f(entry);
    if (wrong !== null) return { entry, wrong };
  }
  return null;
}

/** The reverse zone of a network at a label border, or null; the server does the rest. */
export function reverseZone(network: string): string | null {
  if (!isNetwork(network) || !network.includes('/')) return null;
  const [address = '', length = ''] = network.split('/');
  const bits = Number(length);
  if (isIpv4(address)) {
    if (bits % 8 !== 0) return null;
    return [...address.split('.').slice(0, bits / 8).reverse(), 'in-addr.arpa'].join('.');
  }
  if (bits % 4 !== 0) return null;
  return [...expandIpv6(address).slice(0, bits / 4).split('').reverse(), 'ip6.arpa'].join('.');
}

function expandIpv6(s: string): string {
  const [head = '', tail] = s.split('::');
  const a = head === '' ? [] : head.split(':');
  const b = tail === undefined || tail === '' ? [] : tail.split(':');
  const fill = tail === undefined ? [] : new Array<string>(8 - a.length - b.length).fill('0');
  return [...a, ...fill, ...b].map((g) => g.padStart(4, '0')).join('');
}
