// The settings as the palette finds them.
import { t, word, type Key } from '../../i18n';
import { SETTINGS, type GroupName } from './table';

export interface SettingHit {
  name: string;
  label: string;
  group: string;
  groupPath: GroupName;
}

/** The label of a setting. */
export function settingLabel(name: string): string {
  return word('setting', name);
}

/** The title of a group of settings. */
export function groupLabel(group: GroupName): string {
  return t(`settings.group.${group}` as Key);
}

export function settingIndex(): SettingHit[] {
  return SETTINGS.map((s) => ({ name: s.name, label: settingLabel(s.name), group: groupLabel(s.group), groupPath: s.group }));
}
