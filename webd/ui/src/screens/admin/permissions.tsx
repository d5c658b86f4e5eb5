// Rights per section of the panel: all sections in a table, one at a time to edit.
import { admin as api } from '../../api';
import { t, word } from '../../i18n';
import { go, route } from '../../router';
import { rights } from '../../state';
import type { Permissions, Rights } from '../../types';
import { Button, Card, Failure, Skeleton } from '../../ui/basic';
import { useLoad } from '../../ui/hooks';
import { PermissionEditor } from '../../ui/permissions';

export function PermissionsTab() {
  const section = route.value.path[2];
  return section === undefined ? <AllSections /> : <OneSection key={section} section={section} />;
}

function AllSections() {
  const loaded = useLoad('permissions', api.permissions);
  if (loaded.error) return <Failure error={loaded.error} retry={() => void loaded.reload()} />;
  if (!loaded.data) return <Skeleton />;
  return (
    <Card flush>
      <div class="tblwrap">
        <table class="tbl">
          <thead>
            <tr>
              <th scope="col">{t('perm.section')}</th>
              <th scope="col">{t('admin.tab.groups')}</th>
              <th scope="col">{t('admin.tab.users')}</th>
              <th scope="col" class="r">
                <span class="vh">{t('table.actionsHead')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {loaded.data.permissions.map((p) => (
              <tr key={p.section}>
                <td>
                  <span class="nm">{word('section', p.section)}</span>
                </td>
                <td data-l={t('admin.tab.groups')}>
                  <span>{summary(p.groupPermissions.map((g) => [g.name, g] as const))}</span>
                </td>
                <td data-l={t('admin.tab.users')}>
                  <span>{summary(p.userPermissions.map((u) => [u.username, u] as const))}</span>
                </td>
                <td class="r">
                  <Button small label={t('record.editIt')} onClick={() => go(['admin', 'permissions', p.section])} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/* "Administrators (all), Everyone (view)" */
function summary(list: readonly (readonly [string, Rights])[]) {
  if (list.length === 0) return <span class="muted">–</span>;
  return list.map(([name, r]) => (
    <span key={name} class="permsum">
      {name} <span class="muted small">{level(r)}</span>
    </span>
  ));
}

function level(r: Rights): string {
  if (r.canView && r.canModify && r.canDelete) return t('perm.all');
  const parts = [r.canView && t('perm.view'), r.canModify && t('perm.modify'), r.canDelete && t('perm.delete')].filter((x) => x !== false);
  return parts.length === 0 ? t('perm.none') : parts.join(', ').toLowerCase();
}

function OneSection({ section }: { section: string }) {
  const loaded = useLoad(`permission ${section}`, () => api.permission(section));
  const deny = rights('Administration').canDelete ? null : t('right.delete');
  const save = async (p: Permissions): Promise<void> => {
    await api.setPermission(section, p);
    await loaded.reload();
  };
  return (
    <Card title={word('section', section)} flush actions={<Button small label={t('perm.back')} onClick={() => go(['admin', 'permissions'])} />}>
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      {loaded.data ? <PermissionEditor key={JSON.stringify(loaded.data)} value={loaded.data} deny={deny} onSave={save} /> : !loaded.error && <Skeleton />}
    </Card>
  );
}
