// The users: a table, and a panel for one.
import { useState } from 'preact/hooks';
import { admin as api, list as csv, type Params } from '../../api';
import { ago, apiTime, dateTime, formatTtl, parseTtl, t } from '../../i18n';
import { useKeys } from '../../keys';
import { closeDialog, dialogArg, openDialog } from '../../router';
import { PASSWORD_MIN, StrengthBar } from '../../shell/setup';
import { rights, session } from '../../state';
import type { User, UserDetails } from '../../types';
import { Badge, Button, Card, Failure, IconButton, Problem, Skeleton } from '../../ui/basic';
import { ask, FormDialog } from '../../ui/dialog';
import { CheckField, TextField, TtlField } from '../../ui/field';
import { useAction, useLoad } from '../../ui/hooks';
import { openMenu } from '../../ui/menu';
import { toast } from '../../ui/toast';

const TIMEOUT_MAX = 604_800; // seconds, a week

export function UsersTab() {
  const loaded = useLoad('users', api.users);
  const act = useAction();
  const r = rights('Administration');
  const noModify = r.canModify ? null : t('right.modify');
  useKeys({ n: () => openDialog('add') });
  const list = loaded.data?.users ?? [];
  const edited = dialogArg('user');
  const passwordOf = dialogArg('password');

  const setDisabled = (u: User, disabled: boolean): void =>
    void act.run(async () => {
      await api.setUser(u.username, { disabled });
      await loaded.reload();
      toast(t(disabled ? 'users.disabled' : 'users.enabled', { name: u.username }), async () => {
        await api.setUser(u.username, { disabled: !disabled });
        await loaded.reload();
      });
    });
  const remove = (u: User): void =>
    ask({
      title: t('users.deleteOf', { name: u.username }),
      text: <p>{t('users.deleteText')}</p>,
      action: t('users.delete'),
      run: async () => {
        await api.deleteUser(u.username);
        await loaded.reload();
        toast(t('users.deleted', { name: u.username }));
      },
    });

  return (
    <>
      <Problem text={act.error} />
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      <Card title={t('users.count', { n: list.length })} flush actions={<Button small kind="primary" icon="plus" label={t('users.add')} deny={noModify} onClick={() => openDialog('add')} />}>
        {!loaded.data ? (
          <Skeleton />
        ) : (
          <div class="tblwrap">
            <table class="tbl">
              <thead>
                <tr>
                  <th scope="col">{t('users.name')}</th>
                  <th scope="col">{t('users.status')}</th>
                  <th scope="col">{t('users.totp')}</th>
                  <th scope="col">{t('users.recent')}</th>
                  <th scope="col" class="opt">
                    {t('users.previous')}
                  </th>
                  <th scope="col" class="r">
                    <span class="vh">{t('table.actionsHead')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((u) => (
                  <tr key={u.username}>
                    <td>
                      <button type="button" class="link nm" onClick={() => openDialog('user', u.username)}>
                        {u.username}
                      </button>
                      {u.displayName !== u.username && <span class="small">{u.displayName}</span>}
                    </td>
                    <td data-l={t('users.status')}>
                      <span class="row">
                        <Badge tone={u.disabled ? '' : 'ok'} {...(u.disabled ? {} : { icon: 'check' as const })}>
                          {t(u.disabled ? 'zoneStatus.Disabled' : 'zoneStatus.Enabled')}
                        </Badge>
                        {u.username === session.value?.username && <Badge tone="acc">{t('users.you')}</Badge>}
                      </span>
                    </td>
                    <td data-l={t('users.totp')}>
                      <span class="muted">{t(u.totpEnabled ? 'settings.on' : 'settings.off')}</span>
                    </td>
                    <td data-l={t('users.recent')}>
                      <Login date={u.recentSessionLoggedOn} address={u.recentSessionRemoteAddress} />
                    </td>
                    <td class="opt" data-l={t('users.previous')}>
                      <Login date={u.previousSessionLoggedOn} address={u.previousSessionRemoteAddress} />
                    </td>
                    <td class="r">
                      <IconButton
                        small
                        menu
                        icon="more"
                        label={t('table.actions', { name: u.username })}
                        onClick={(e) => {
                          const isMe = u.username === session.value?.username;
                          openMenu(e.currentTarget, u.username, [
                            { label: t('record.editIt'), icon: 'edit', deny: noModify, run: () => openDialog('user', u.username) },
                            { label: t('users.setPassword'), icon: 'key', deny: noModify, run: () => openDialog('password', u.username) },
                            { label: t(u.disabled ? 'zones.enable' : 'zones.disable'), icon: u.disabled ? 'play' : 'pause', deny: isMe ? t('users.notSelf') : noModify, run: () => setDisabled(u, !u.disabled) },
                            'line',
                            { label: t('users.delete'), icon: 'trash', danger: true, deny: isMe ? t('users.notSelf') : r.canDelete ? null : t('right.delete'), run: () => remove(u) },
                          ]);
                        }}
                      />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      {dialogArg('add') !== null && <AddUser onDone={loaded.reload} />}
      {edited !== null && <EditUser name={edited} onDone={loaded.reload} />}
      {passwordOf !== null && <SetPassword name={passwordOf} />}
    </>
  );
}

function Login({ date, address }: { date: string; address: string }) {
  const ms = apiTime(date);
  if (ms === null) return <span class="muted">{t('users.never')}</span>;
  return (
    <>
      <span class="num" title={dateTime(ms)}>
        {ago(ms)}
      </span>
      <span class="small mono">{address}</span>
    </>
  );
}

function AddUser({ onDone }: { onDone: () => Promise<void> }) {
  const [name, setName] = useState('');
  const [display, setDisplay] = useState('');
  const [pass, setPass] = useState('');
  const user = name.trim().toLowerCase();
  const isName = user === '' || /^[a-z0-9@._-]+$/.test(user);
  return (
    <FormDialog
      title={t('users.add')}
      submit={t('users.add')}
      isValid={user !== '' && isName && pass.length >= PASSWORD_MIN}
      onClose={closeDialog}
      onSubmit={async () => {
        await api.createUser(user, pass, display.trim());
        await onDone();
        toast(t('users.added', { name: user }));
      }}
    >
      <TextField autofocus label={t('users.name')} hint={t('users.nameHint')} error={isName ? null : t('users.nameBad')} value={name} onInput={setName} />
      <TextField label={t('users.displayName')} value={display} onInput={setDisplay} />
      <TextField type="password" autocomplete="new-password" label={t('login.password')} value={pass} onInput={setPass} />
      <StrengthBar pass={pass} />
    </FormDialog>
  );
}

function EditUser({ name, onDone }: { name: string; onDone: () => Promise<void> }) {
  const loaded = useLoad(`user ${name}`, () => api.user(name));
  if (!loaded.data) {
    return (
      <FormDialog side title={name} submit={t('action.save')} isValid={false} onClose={closeDialog} onSubmit={async () => undefined}>
        {loaded.error ? <Failure error={loaded.error} retry={() => void loaded.reload()} /> : <Skeleton />}
      </FormDialog>
    );
  }
  return <EditForm user={loaded.data} onDone={onDone} />;
}

function EditForm({ user, onDone }: { user: UserDetails; onDone: () => Promise<void> }) {
  const [display, setDisplay] = useState(user.displayName);
  const [timeout, setTimeoutText] = useState(formatTtl(user.sessionTimeoutSeconds));
  const [groups, setGroups] = useState<readonly string[]>(user.memberOfGroups);
  const [disabled, setDisabled] = useState(user.disabled);
  const seconds = parseTtl(timeout);
  const isTimeout = seconds !== null && seconds <= TIMEOUT_MAX;
  const isMe = user.username === session.value?.username;
  const changes = (): Params => ({
    ...(display === user.displayName ? {} : { displayName: display }),
    ...(seconds === user.sessionTimeoutSeconds ? {} : { sessionTimeoutSeconds: seconds ?? 0 }),
    ...([...groups].sort().join() === [...user.memberOfGroups].sort().join() ? {} : { memberOfGroups: csv(groups) }),
    ...(disabled === user.disabled ? {} : { disabled }),
  });
  return (
    <FormDialog
      side
      title={user.username}
      submit={t('action.save')}
      isValid={isTimeout}
      onClose={closeDialog}
      onSubmit={async () => {
        await api.setUser(user.username, changes());
        await onDone();
        toast(t('users.saved', { name: user.username }));
      }}
    >
      <TextField autofocus label={t('users.displayName')} value={display} onInput={setDisplay} />
      <TtlField label={t('users.timeout')} hint={t('users.timeoutHint')} error={isTimeout ? null : t('users.timeoutBad')} value={timeout} onInput={setTimeoutText} />
      <CheckField label={t('users.isDisabled')} hint={isMe ? t('users.notSelf') : t('users.isDisabledHint')} disabled={isMe} checked={disabled} onChange={setDisabled} />
      <fieldset class="radios">
        <legend>{t('admin.tab.groups')}</legend>
        {(user.groups ?? user.memberOfGroups).map((g) => (
          <CheckField key={g} label={g} checked={groups.includes(g)} onChange={(on) => setGroups(on ? [...groups, g] : groups.filter((x) => x !== g))} />
        ))}
      </fieldset>
      <p class="small muted">{t('users.sessions', { n: user.sessions.length })}</p>
    </FormDialog>
  );
}

function SetPassword({ name }: { name: string }) {
  const [pass, setPass] = useState('');
  return (
    <FormDialog
      title={t('users.setPasswordOf', { name })}
      submit={t('users.setPassword')}
      isValid={pass.length >= PASSWORD_MIN}
      onClose={closeDialog}
      onSubmit={async () => {
        await api.setUser(name, { newPass: pass });
        toast(t('users.passwordSet', { name }));
      }}
    >
      <TextField autofocus type="password" autocomplete="new-password" label={t('profile.newPassword')} value={pass} onInput={setPass} />
      <StrengthBar pass={pass} />
    </FormDialog>
  );
}
