// The colour theme: "system" follows the machine, the choice stays in this browser.

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'trellis.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

/** The stored choice; "system" where nothing is stored or storage is closed. */
export function storedTheme(): Theme {
  try {
    const v = localStorage.getItem(KEY);
    return v === 'light' || v === 'dark' ? v : 'system';
  } catch {
    return 'system';
  }
}

/** Stores and applies a choice. */
export function setTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A browser without storage keeps the choice for this page only.
  }
  applyTheme(theme);
}

/** Puts the theme on the document and follows the machine from here on. */
export function applyTheme(theme: Theme = storedTheme()): void {
  const isDark = theme === 'dark' || (theme === 'system' && dark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  dark.onchange = () => applyTheme();
}
