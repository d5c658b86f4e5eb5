// Administration: one tab a kind of thing.
import { useEffect } from 'preact/hooks';
import { t, type Key } from '../../i18n';
import { route } from '../../router';
import { pageTitle } from '../../shell/shell';
import { PageHead, Tabs } from '../../ui/basic';
import { ClusterTab } from './cluster';
import { GroupsTab } from './groups';
import { HistoryTab } from './history';
import { PermissionsTab } from './permissions';
import { SessionsTab } from './sessions';
import { UsersTab } from './users';

const TABS = [
  { key: 'cluster', View: ClusterTab },
  { key: 'sessions', View: SessionsTab },
  { key: 'users', View: UsersTab },
  { key: 'groups', View: GroupsTab },
  { key: 'permissions', View: PermissionsTab },
  { key: 'history', View: HistoryTab },
] as const;

export default function Admin() {
  const tab = TABS.find((x) => x.key === route.value.path[1]) ?? TABS[0];
  useEffect(() => {
    pageTitle.value = t(`admin.tab.${tab.key}` as Key);
  }, [tab]);
  useEffect(
    () => () => {
      pageTitle.value = '';
    },
    [],
  );
  return (
    <>
      <PageHead title={t('nav.admin')} />
      <Tabs label={t('nav.admin')} current={tab.key} tabs={TABS.map(({ key }) => ({ key, label: t(`admin.tab.${key}` as Key), path: ['admin', key] }))} />
      <tab.View key={tab.key} />
    </>
  );
}
