// One zone: head with its state and acts, and the tabs Records, Options, Permissions.
import { useEffect } from 'preact/hooks';
import { records as api, zones } from '../../api';
import { ago, apiTime, dateTime, t } from '../../i18n';
import { dialogArg, openDialog, route } from '../../router';
import { nodeKey, rights } from '../../state';
import type { RecordList, Zone } from '../../types';
import { Button, Failure, IconButton, Notice, PageHead, Problem, Skeleton, Tabs } from '../../ui/basic';
import { useAction, useLoad } from '../../ui/hooks';
import { openMenu } from '../../ui/menu';
import { toast } from '../../ui/toast';
import { replaceNames } from '../../records';
import { pageTitle } from '../../shell/shell';
import { zoneMenu } from './actions';
import { ImportDialog } from './import';
import { OptionsTab } from './options';
import { PermissionsTab } from './permissions';
import { RecordsTab } from './recordstab';
import { DnssecBadge, isSecondaryKind, StatusBadge, TypeBadge, zoneTitle } from './status';

/** The records of the page, and how the tab brings them up to date after a change. */
export interface ZoneData {
  zone: Zone;
  list: RecordList['records'];
  apex: string; // owner name of the zone's own records
  refresh: (owners: readonly string[]) => Promise<void>;
}

export function ZoneScreen({ name }: { name: string }) {
  const loaded = useLoad(`${nodeKey.value} ${name}`, () => api.all(name));
  const act = useAction();
  const tab = route.value.query['tab'] ?? 'records';
  const data = loaded.data;
  const zone = data?.zone;
  const canModify = rights('Zones').canModify;
  useEffect(() => {
    pageTitle.value = name;
    return () => {
      pageTitle.value = '';
    };
  }, [name]);

  /* After a change only the touched names and the apex are read again, not 24,000 records. */
  const refresh = async (owners: readonly string[]): Promise<void> => {
    if (!data) return;
    const apex = data.zone.name;
    const fresh = new Map<string, RecordList['records']>();
    let now = data.zone;
    for (const owner of new Set([apex, ...owners])) {
      const reply = await api.ofName(name, owner === '' ? '.' : owner);
      fresh.set(owner, reply.records);
      now = reply.zone;
    }
    loaded.set({ zone: now, records: replaceNames(data.records, fresh) });
  };

  if (loaded.error && !data) {
    return (
      <>
        <PageHead title={name} crumb={{ label: t('nav.zones'), path: ['zones'] }} />
        <Failure error={loaded.error} retry={() => void loaded.reload()} />
      </>
    );
  }
  if (!zone || !data) {
    return (
      <>
        <PageHead title={name} crumb={{ label: t('nav.zones'), path: ['zones'] }} />
        <Skeleton lines={10} />
      </>
    );
  }
  const isOwn = (zone.type === 'Primary' || zone.type === 'Forwarder') && !zone.internal;
  const noModify = canModify ? null : t('right.modify');
  const tabs = [
    { key: 'records', label: t('zone.tab.records'), path: ['zones', name] },
    ...(zone.internal
      ? []
      : [
          { key: 'options', label: t('zone.tab.options'), path: ['zones', name], query: { tab: 'options' } },
          { key: 'permissions', label: t('zone.tab.permissions'), path: ['zones', name], query: { tab: 'permissions' } },
        ]),
  ];

  return (
    <>
      <PageHead
        title={zoneTitle(zone) === '.' ? t('zone.root') : zoneTitle(zone)}
        crumb={{ label: t('nav.zones'), path: ['zones'] }}
        badges={
          <>
            <TypeBadge zone={zone} />
            <StatusBadge zone={zone} />
            <DnssecBadge zone={zone} />
          </>
        }
        sub={<Sub zone={zone} />}
      >
        {isSecondaryKind(zone) && (
          <Button
            icon="sync"
            label={t('zones.resync')}
            deny={noModify}
            busy={act.isBusy}
            onClick={() =>
              void act.run(async () => {
                await zones.resync(name);
                toast(t('zones.resyncStarted', { zone: zoneTitle(zone) }));
              })
            }
          />
        )}
        {isOwn && tab === 'records' && <Button icon="upload" label={t('zones.import')} deny={noModify} onClick={() => openDialog('import')} />}
        {isOwn && tab === 'records' && <Button kind="primary" icon="plus" label={t('record.add')} deny={noModify} onClick={() => openDialog('record')} />}
        <IconButton
          menu
          icon="more"
          label={t('zone.more')}
          onClick={(e) =>
            openMenu(e.currentTarget, t('zone.more'), zoneMenu(zone, { isPage: true, fail: (run) => void act.run(run), reload: () => void loaded.reload() }))
          }
        />
      </PageHead>
      <Problem text={act.error} />
      <Warnings zone={zone} />
      <Tabs label={t('zone.tabs')} tabs={tabs} current={tab} />
      {tab === 'records' && <RecordsTab data={{ zone, list: data.records, apex: zone.name, refresh }} reload={loaded.reload} />}
      {tab === 'options' && <OptionsTab zone={name} onSaved={() => void loaded.reload()} />}
      {tab === 'permissions' && <PermissionsTab zone={name} />}
      {dialogArg('import') !== null && isOwn && <ImportDialog zone={name} onDone={loaded.reload} />}
    </>
  );
}

function Sub({ zone }: { zone: Zone }) {
  const changed = apiTime(zone.lastModified);
  return (
    <>
      {t('zone.serial', { serial: String(zone.soaSerial) })}
      {changed !== null && <span title={dateTime(changed)}>{t('zone.changed', { time: ago(changed) })}</span>}
      {zone.catalog && t('zone.inCatalog', { catalog: zone.catalog })}
    </>
  );
}

function Warnings({ zone }: { zone: Zone }) {
  const expiry = apiTime(zone.expiry);
  if (zone.isExpired) return <Notice tone="bad">{t('zone.expired', { time: expiry === null ? '' : dateTime(expiry) })}</Notice>;
  if (zone.syncFailed) return <Notice>{expiry === null ? t('zone.syncFailed') : t('zone.syncFailedUntil', { time: dateTime(expiry) })}</Notice>;
  if (zone.notifyFailed) return <Notice>{t('zone.notifyFailed', { servers: (zone.notifyFailedFor ?? []).join(', ') })}</Notice>;
  return null;
}
