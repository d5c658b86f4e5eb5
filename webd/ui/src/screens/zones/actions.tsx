// What can be done to zones from the list and from the page of one.
import { zones as api } from '../../api';
import { t } from '../../i18n';
import { go, href, openDialog } from '../../router';
import { rights } from '../../state';
import type { Zone } from '../../types';
import { ask } from '../../ui/dialog';
import type { MenuEntry } from '../../ui/menu';
import { toast } from '../../ui/toast';
import { loadZones } from '../../zonestore';
import { isSecondaryKind, zoneName, zoneTitle } from './status';

/** Runs one call per zone, a few at a time; throws the first failure after all have been tried. */
export async function forEachZone(list: readonly string[], act: (zone: string) => Promise<unknown>): Promise<void> {
  const AT_ONCE = 4;
  const queue = [...list];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let z = queue.shift(); z !== undefined; z = queue.shift()) {
      try {
        await act(z);
      } catch (e) {
        failures.push(e);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await loadZones();
  if (failures.length > 0) throw failures[0];
}

export async function setEnabled(list: readonly string[], on: boolean): Promise<void> {
  await forEachZone(list, (z) => (on ? api.enable(z) : api.disable(z)));
  const text = list.length === 1 ? t(on ? 'zones.enabled' : 'zones.disabled', { zone: list[0] ?? '' }) : t(on ? 'zones.enabledN' : 'zones.disabledN', { n: list.length });
  toast(text, async () => forEachZone(list, (z) => (on ? api.disable(z) : api.enable(z))));
}

/** Deleting a zone cannot be undone: its name is typed. */
export function askDelete(list: readonly string[], after: () => void): void {
  const one = list.length === 1 ? list[0] : undefined;
  ask({
    title: one !== undefined ? t('zones.deleteOne', { zone: one }) : t('zones.deleteN', { n: list.length }),
    text: (
      <>
        <p>{t('zones.deleteText')}</p>
        {one === undefined && (
          <ul>
            {list.slice(0, 8).map((z) => (
              <li key={z} class="mono">
                {z}
              </li>
            ))}
            {list.length > 8 && <li>{t('zones.andMore', { n: list.length - 8 })}</li>}
          </ul>
        )}
      </>
    ),
    action: one !== undefined ? t('zones.delete') : t('zones.deleteN', { n: list.length }),
    typed: one ?? t('zones.deleteWord'),
    run: async () => {
      await forEachZone(list, api.remove);
      toast(one !== undefined ? t('zones.deleted', { zone: one }) : t('zones.deletedN', { n: list.length }));
      after();
    },
  });
}

interface MenuOptions {
  isPage: boolean; // on the zone's own page
  fail: (run: () => Promise<unknown>) => void;
  reload: () => void;
}

/** The row menu of a zone. */
export function zoneMenu(z: Zone, o: MenuOptions): MenuEntry[] {
  const name = zoneName(z);
  const r = rights('Zones');
  const noModify = r.canModify ? null : t('right.modify');
  const items: (MenuEntry | false)[] = [
    !o.isPage && { label: t('zones.open'), icon: 'text', href: href(['zones', name]) },
    !z.internal && { label: t('zones.options'), icon: 'settings', href: href(['zones', name], { tab: 'options' }) },
    !z.internal && !o.isPage && { label: t('zones.permissions'), icon: 'admin', href: href(['zones', name], { tab: 'permissions' }) },
    (z.type === 'Primary' || z.type === 'Forwarder') &&
      !z.internal && {
        label: t('zones.import'),
        icon: 'upload',
        deny: noModify,
        run: () => (o.isPage ? openDialog('import') : go(['zones', name], { dialog: 'import' })),
      },
    { label: t('zones.export'), icon: 'download', run: () => o.fail(() => api.exportFile(name)) },
    isSecondaryKind(z) && {
      label: t('zones.resync'),
      icon: 'sync',
      deny: noModify,
      run: () =>
        o.fail(async () => {
          await api.resync(name);
          toast(t('zones.resyncStarted', { zone: zoneTitle(z) }));
        }),
    },
    !z.internal && {
      label: t(z.disabled ? 'zones.enable' : 'zones.disable'),
      icon: z.disabled ? 'play' : 'pause',
      deny: noModify,
      run: () =>
        o.fail(async () => {
          await setEnabled([name], z.disabled);
          o.reload();
        }),
    },
    !z.internal && 'line',
    !z.internal && {
      label: t('zones.delete'),
      icon: 'trash',
      danger: true,
      deny: r.canDelete ? null : t('right.delete'),
      run: () => askDelete([name], () => o.isPage && go(['zones'], {}, true)),
    },
  ];
  return items.filter((i) => i !== false);
}
