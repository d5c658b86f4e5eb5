// The settings that the palette finds.

export interface SettingHit {
  name: string;
  label: string;
  group: string;
  groupPath: string;
}

export function settingIndex(): SettingHit[] {
  return [];
}
