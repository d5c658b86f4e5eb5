// Who may see, change and delete one zone.
import { zones as api } from '../../api';
import { nodeKey, rights } from '../../state';
import { Failure, Skeleton } from '../../ui/basic';
import { useLoad } from '../../ui/hooks';
import { PermissionEditor } from '../../ui/permissions';
import { t } from '../../i18n';

export function PermissionsTab({ zone }: { zone: string }) {
  const loaded = useLoad(`${nodeKey.value} ${zone}`, () => api.permissions(zone));
  if (loaded.error) return <Failure error={loaded.error} retry={() => void loaded.reload()} />;
  if (!loaded.data) return <Skeleton />;
  return (
    <section class="card">
      <PermissionEditor
        key={JSON.stringify(loaded.data)}
        value={loaded.data}
        deny={rights('Zones').canDelete ? null : t('right.delete')}
        onSave={async (p) => {
          await api.setPermissions(zone, p);
          await loaded.reload();
        }}
      />
    </section>
  );
}
