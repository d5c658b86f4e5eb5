// The pages of the panel: one row each. The navigation, the router, the palette and the keys all
// read this table; a section of a later release becomes one more row.
import type { ComponentType } from 'preact';
import type { Key } from './i18n';
import type { Section } from './types';
import type { IconName } from './ui/icons';

export interface Page {
  path: string; // first segment of the address
  title: Key;
  icon: IconName;
  group: Key | null; // heading in the navigation
  right: Section | null; // the section that must be visible; null = always
  key: string; // second letter after "g"
  isPerNode: (path: readonly string[]) => boolean; // the chosen node matters here
  load: () => Promise<{ default: ComponentType }>;
}

const always = (): boolean => true;
const never = (): boolean => false;

export const PAGES: readonly Page[] = [
  { path: 'overview', title: 'nav.overview', icon: 'home', group: null, right: null, key: 'o', isPerNode: always, load: () => import('./screens/overview') },
  { path: 'zones', title: 'nav.zones', icon: 'zones', group: 'nav.dns', right: 'Zones', key: 'z', isPerNode: always, load: () => import('./screens/zones') },
  { path: 'allowed', title: 'nav.allowed', icon: 'allow', group: 'nav.dns', right: 'Allowed', key: 'a', isPerNode: never, load: () => import('./screens/names') },
  { path: 'blocked', title: 'nav.blocked', icon: 'block', group: 'nav.dns', right: 'Blocked', key: 'b', isPerNode: never, load: () => import('./screens/names') },
  { path: 'settings', title: 'nav.settings', icon: 'settings', group: 'nav.system', right: 'Settings', key: 's', isPerNode: always, load: () => import('./screens/settings') },
  {
    path: 'admin',
    title: 'nav.admin',
    icon: 'admin',
    group: 'nav.system',
    right: 'Administration',
    key: 'm',
    isPerNode: (p) => p[1] === undefined || ['cluster', 'sessions', 'history'].includes(p[1]),
    load: () => import('./screens/admin'),
  },
  { path: 'about', title: 'nav.about', icon: 'about', group: 'nav.system', right: null, key: 'i', isPerNode: always, load: () => import('./screens/about') },
  { path: 'profile', title: 'nav.profile', icon: 'user', group: 'nav.hidden', right: null, key: 'p', isPerNode: never, load: () => import('./screens/profile') },
];

export const HOME = 'overview';

export function findPage(path: string | undefined): Page | undefined {
  return PAGES.find((p) => p.path === (path ?? HOME));
}
