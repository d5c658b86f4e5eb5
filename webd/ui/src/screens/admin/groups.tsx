// Groups: users with the same rights.
import { useState } from 'preact/hooks';
import { admin as api, list as csv, type Params } from '../../api';
import { t } from '../../i18n';
import { useKeys } from '../../keys';
import { closeDialog, dialogArg, openDialog } from '../../router';
import { rights } from '../../state';
import type { Group, GroupDetails } from '../../types';
import { Button, Card, Failure, IconButton, Skeleton } from '../../ui/basic';
import { ask, FormDialog } from '../../ui/dialog';
import { CheckField, TextField } from '../../ui/field';
import { useLoad } from '../../ui/hooks';
import { openMenu } from '../../ui/menu';
import { toast } from '../../ui/toast';

const BUILT_IN = ['Administrators', 'DNS Administrators', 'DHCP Administrators', 'Everyone'];

export function GroupsTab() {
  const loaded = useLoad('groups', api.groups);
  const r = rights('Administration');
  const noModify = r.canModify ? null : t('right.modify');
  useKeys({ n: () => openDialog('add') });
  const list = loaded.data?.groups ?? [];
  const edited = dialogArg('group');
  const remove = (g: Group): void =>
    ask({
      title: t('groups.deleteOf', { name: g.name }),
      text: <p>{t('groups.deleteText')}</p>,
      action: t('groups.delete'),
      run: async () => {
        await api.deleteGroup(g.name);
        await loaded.reload();
        toast(t('users.deleted', { name: g.name }));
      },
    });
  return (
    <>
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      <Card title={t('groups.count', { n: list.length })} flush actions={<Button small kind="primary" icon="plus" label={t('groups.add')} deny={noModify} onClick={() => openDialog('add')} />}>
        {!loaded.data ? (
          <Skeleton />
        ) : (
          <div class="tblwrap">
            <table class="tbl">
              <thead>
                <tr>
                  <th scope="col">{t('groups.name')}</th>
                  <th scope="col">{t('groups.description')}</th>
                  <th scope="col" class="r">
                    <span class="vh">{t('table.actionsHead')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((g) => (
                  <tr key={g.name}>
                    <td>
                      <button type="button" class="link nm" onClick={() => openDialog('group', g.name)}>
                        {g.name}
                      </button>
                    </td>
                    <td data-l={t('groups.description')}>
                      <span>{g.description}</span>
                    </td>
                    <td class="r">
                      <IconButton
                        small
                        menu
                        icon="more"
                        label={t('table.actions', { name: g.name })}
                        onClick={(e) =>
                          openMenu(e.currentTarget, g.name, [
                            { label: t('record.editIt'), icon: 'edit', deny: noModify, run: () => openDialog('group', g.name) },
                            'line',
                            { label: t('groups.delete'), icon: 'trash', danger: true, deny: BUILT_IN.includes(g.name) ? t('groups.builtIn') : r.canDelete ? null : t('right.delete'), run: () => remove(g) },
                          ])
                        }
                      />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      {dialogArg('add') !== null && <AddGroup onDone={loaded.reload} />}
      {edited !== null && <EditGroup name={edited} onDone={loaded.reload} />}
    </>
  );
}

function AddGroup({ onDone }: { onDone: () => Promise<void> }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  return (
    <FormDialog
      title={t('groups.add')}
      submit={t('groups.add')}
      isValid={name.trim() !== ''}
      onClose={closeDialog}
      onSubmit={async () => {
        await api.createGroup(name.trim(), description.trim());
        await onDone();
        toast(t('users.added', { name: name.trim() }));
      }}
    >
      <TextField autofocus label={t('groups.name')} value={name} onInput={setName} />
      <TextField label={t('groups.description')} value={description} onInput={setDescription} />
    </FormDialog>
  );
}

function EditGroup({ name, onDone }: { name: string; onDone: () => Promise<void> }) {
  const loaded = useLoad(`group ${name}`, () => api.group(name));
  if (!loaded.data) {
    return (
      <FormDialog side title={name} submit={t('action.save')} isValid={false} onClose={closeDialog} onSubmit={async () => undefined}>
        {loaded.error ? <Failure error={loaded.error} retry={() => void loaded.reload()} /> : <Skeleton />}
      </FormDialog>
    );
  }
  return <EditForm group={loaded.data} onDone={onDone} />;
}

function EditForm({ group, onDone }: { group: GroupDetails; onDone: () => Promise<void> }) {
  const [name, setName] = useState(group.name);
  const [description, setDescription] = useState(group.description);
  const [members, setMembers] = useState<readonly string[]>(group.members);
  const changes = (): Params => ({
    ...(name.trim() === group.name ? {} : { newGroup: name.trim() }),
    ...(description === group.description ? {} : { description }),
    ...([...members].sort().join() === [...group.members].sort().join() ? {} : { members: csv(members) }),
  });
  return (
    <FormDialog
      side
      title={group.name}
      submit={t('action.save')}
      isValid={name.trim() !== ''}
      onClose={closeDialog}
      onSubmit={async () => {
        await api.setGroup(group.name, changes());
        await onDone();
        toast(t('users.saved', { name: name.trim() }));
      }}
    >
      <TextField label={t('groups.name')} readOnly={BUILT_IN.includes(group.name)} value={name} onInput={setName} />
      <TextField autofocus label={t('groups.description')} value={description} onInput={setDescription} />
      <fieldset class="radios">
        <legend>{t('groups.members')}</legend>
        {(group.users ?? group.members).map((u) => (
          <CheckField key={u} label={u} checked={members.includes(u)} onChange={(on) => setMembers(on ? [...members, u] : members.filter((x) => x !== u))} />
        ))}
      </fieldset>
    </FormDialog>
  );
}
