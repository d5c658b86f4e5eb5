// What a zone is like, in a word: the first state that is true, as the API's clients show it.
import { t, word, type Key } from '../../i18n';
import type { Zone, ZoneType } from '../../types';
import { Badge, type Tone } from '../../ui/basic';

export type Status = 'Disabled' | 'Expired' | 'ValidationFailed' | 'SyncFailed' | 'NotifyFailed' | 'Enabled';

const RULES: readonly { status: Status; tone: Tone; is: (z: Zone) => boolean }[] = [
  { status: 'Disabled', tone: '', is: (z) => z.disabled },
  { status: 'Expired', tone: 'bad', is: (z) => z.isExpired === true },
  { status: 'ValidationFailed', tone: 'bad', is: (z) => z.validationFailed === true },
  { status: 'SyncFailed', tone: 'warn', is: (z) => z.syncFailed === true },
  { status: 'NotifyFailed', tone: 'warn', is: (z) => z.notifyFailed === true },
  { status: 'Enabled', tone: 'ok', is: () => true },
];

export const STATUSES: readonly Status[] = RULES.map((r) => r.status);

export function statusOf(z: Zone): Status {
  return RULES.find((r) => r.is(z))?.status ?? 'Enabled';
}

export function StatusBadge({ zone }: { zone: Zone }) {
  const rule = RULES.find((r) => r.is(zone));
  if (!rule) return null;
  return (
    <Badge tone={rule.tone} {...(rule.tone === 'ok' ? { icon: 'check' as const } : rule.tone === '' ? {} : { icon: 'warn' as const })}>
      {t(`zoneStatus.${rule.status}` as Key)}
    </Badge>
  );
}

export function TypeBadge({ zone }: { zone: Zone }) {
  return zone.internal ? <Badge>{t('zoneType.Internal')}</Badge> : <Badge tone={zone.type === 'Primary' ? 'acc' : ''}>{word('zoneType', zone.type)}</Badge>;
}

export function DnssecBadge({ zone }: { zone: Zone }) {
  if (zone.dnssecStatus === undefined || zone.dnssecStatus === 'Unsigned') return null;
  return (
    <Badge tone={zone.hasDnssecPrivateKeys ? 'info' : ''} icon="key">
      {word('dnssec', zone.dnssecStatus)}
    </Badge>
  );
}

/** The name as shown: Unicode where it differs, "." for the root. */
export function zoneTitle(z: Pick<Zone, 'name' | 'nameIdn'>): string {
  return z.nameIdn ?? (z.name === '' ? '.' : z.name);
}

/** The name for addresses and calls. */
export function zoneName(z: Pick<Zone, 'name'>): string {
  return z.name === '' ? '.' : z.name;
}

const SECONDARY: readonly ZoneType[] = ['Secondary', 'SecondaryForwarder', 'SecondaryCatalog', 'Stub'];

export function isSecondaryKind(z: Pick<Zone, 'type'>): boolean {
  return SECONDARY.includes(z.type);
}

/** The zones that can be put into a catalog. */
export function canHaveCatalog(z: Pick<Zone, 'type' | 'internal'>): boolean {
  return !z.internal && z.type !== 'Catalog' && z.type !== 'SecondaryCatalog';
}
