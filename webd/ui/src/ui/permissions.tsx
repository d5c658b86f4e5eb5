// Rows of users and groups with View, Modify, Delete; used for sections and for zones.
import { useState } from 'preact/hooks';
import { t } from '../i18n';
import type { GroupRight, Permissions, Rights, UserRight } from '../types';
import { Button, IconButton, Problem } from './basic';
import { SelectField } from './field';
import { useAction } from './hooks';
import { toast } from './toast';

interface Props {
  value: Permissions;
  deny: string | null;
  onSave: (p: Permissions) => Promise<void>;
}

const RIGHTS: readonly (keyof Rights)[] = ['canView', 'canModify', 'canDelete'];
const LABELS = { canView: 'perm.view', canModify: 'perm.modify', canDelete: 'perm.delete' } as const;

export function PermissionEditor({ value, deny, onSave }: Props) {
  const [users, setUsers] = useState(value.userPermissions);
  const [groups, setGroups] = useState(value.groupPermissions);
  const act = useAction();
  const isChanged = JSON.stringify([users, groups]) !== JSON.stringify([value.userPermissions, value.groupPermissions]);
  return (
    <>
      <Problem text={act.error} />
      <div class="grid two perms">
        <Half
          title={t('admin.tab.groups')}
          rows={groups}
          name={(r: GroupRight) => r.name}
          others={(value.groups ?? []).filter((g) => !groups.some((r) => r.name === g))}
          addLabel={t('perm.addGroup')}
          onAdd={(name) => setGroups([...groups, { name, canView: true, canModify: false, canDelete: false }])}
          onChange={setGroups}
        />
        <Half
          title={t('admin.tab.users')}
          rows={users}
          name={(r: UserRight) => r.username}
          others={(value.users ?? []).filter((u) => !users.some((r) => r.username === u))}
          addLabel={t('perm.addUser')}
          onAdd={(username) => setUsers([...users, { username, canView: true, canModify: false, canDelete: false }])}
          onChange={setUsers}
        />
      </div>
      {isChanged && (
        <div class="pend" role="region" aria-label={t('changes.region')}>
          <b>{t('perm.unsaved')}</b>
          <span class="sp" />
          <Button
            small
            kind="ghost"
            label={t('action.discard')}
            onClick={() => {
              setUsers(value.userPermissions);
              setGroups(value.groupPermissions);
            }}
          />
          <Button
            small
            kind="primary"
            label={t('action.save')}
            busy={act.isBusy}
            deny={deny}
            onClick={() =>
              void act.run(async () => {
                await onSave({ ...value, userPermissions: users, groupPermissions: groups });
                toast(t('perm.saved'));
              })
            }
          />
        </div>
      )}
    </>
  );
}

interface HalfProps<R extends Rights> {
  title: string;
  rows: R[];
  name: (r: R) => string;
  others: readonly string[];
  addLabel: string;
  onAdd: (name: string) => void;
  onChange: (rows: R[]) => void;
}

function Half<R extends Rights>({ title, rows, name, others, addLabel, onAdd, onChange }: HalfProps<R>) {
  const setRight = (at: number, right: keyof Rights, on: boolean): void => onChange(rows.map((r, i) => (i === at ? { ...r, [right]: on } : r)));
  return (
    <div class="permhalf">
      <table class="tbl permtbl">
        <thead>
          <tr>
            <th scope="col">{title}</th>
            {RIGHTS.map((r) => (
              <th key={r} scope="col" class="c">
                {t(LABELS[r])}
              </th>
            ))}
            <th scope="col" class="r">
              <span class="vh">{t('table.actionsHead')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={name(row)}>
              <td class="nm">{name(row)}</td>
              {RIGHTS.map((r) => (
                <td key={r} class="c" data-l={t(LABELS[r])}>
                  <input
                    type="checkbox"
                    checked={row[r]}
                    aria-label={t('perm.rightOf', { right: t(LABELS[r]), name: name(row) })}
                    onChange={(e) => setRight(i, r, e.currentTarget.checked)}
                  />
                </td>
              ))}
              <td class="r">
                <IconButton small icon="x" label={t('perm.remove', { name: name(row) })} onClick={() => onChange(rows.filter((_, j) => j !== i))} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p class="muted pad">{t('perm.nobody')}</p>}
      {others.length > 0 && (
        <div class="pad">
          <SelectField label={addLabel} value="" options={[{ value: '', label: t('perm.choose') }, ...others.map((o) => ({ value: o, label: o }))]} onChange={(v) => v !== '' && onAdd(v)} />
        </div>
      )}
    </div>
  );
}
