// The menus of the top bar: theme and account.
import { user } from '../api';
import { t } from '../i18n';
import { density, setDensity, setShortcuts, shortcutsOn } from '../prefs';
import { href } from '../router';
import { signedOut } from '../state';
import { setTheme, storedTheme, type Theme } from '../theme';
import { openMenu, type MenuEntry } from '../ui/menu';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

function themeEntries(): MenuEntry[] {
  return THEMES.map((theme) => ({
    label: t(`theme.${theme}`),
    checked: storedTheme() === theme,
    run: () => setTheme(theme),
  }));
}

export function themeMenu(anchor: HTMLElement): void {
  openMenu(anchor, t('shell.theme'), [
    ...themeEntries(),
    'line',
    {
      label: t('shell.compact'),
      checked: density.value === 'compact',
      run: () => setDensity(density.value === 'compact' ? 'comfortable' : 'compact'),
    },
  ]);
}

export function userMenu(anchor: HTMLElement): void {
  openMenu(anchor, t('shell.account'), [
    { label: t('profile.title'), icon: 'user', href: href(['profile']) },
    { label: t('profile.changePassword'), icon: 'key', href: href(['profile'], { dialog: 'password' }) },
    { label: t('profile.newToken'), icon: 'plus', href: href(['profile'], { dialog: 'token' }) },
    'line',
    ...themeEntries(),
    {
      label: t('shell.shortcuts'),
      checked: shortcutsOn.value,
      run: () => setShortcuts(!shortcutsOn.value),
    },
    'line',
    { label: t('shell.logout'), icon: 'out', run: () => void logout() },
  ]);
}

async function logout(): Promise<void> {
  await user.logout();
  signedOut();
}
