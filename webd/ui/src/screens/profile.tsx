// One's own account: name, session length, sessions, API tokens, password.
import { useEffect, useState } from 'preact/hooks';
import { user } from '../api';
import { ago, apiTime, dateTime, formatTtl, parseTtl, t, word } from '../i18n';
import { closeDialog, dialogArg, openDialog } from '../router';
import { pageTitle } from '../shell/shell';
import { PASSWORD_MIN, StrengthBar } from '../shell/setup';
import { session } from '../state';
import type { SessionRow, UserDetails } from '../types';
import { Badge, Button, Card, Failure, IconButton, PageHead, Problem, Skeleton } from '../ui/basic';
import { Dialog, FormDialog } from '../ui/dialog';
import { TextField, TtlField } from '../ui/field';
import { useAction, useLoad } from '../ui/hooks';
import { Secret } from '../ui/secret';
import { toast } from '../ui/toast';

export default function Profile() {
  const loaded = useLoad('profile', user.profile);
  useEffect(() => {
    pageTitle.value = '';
  }, []);
  const me = loaded.data;
  return (
    <>
      <PageHead title={t('profile.title')} sub={session.value?.username}>
        {!me?.isSsoUser && <Button icon="key" label={t('profile.changePassword')} onClick={() => openDialog('password')} />}
        <Button icon="plus" label={t('profile.newToken')} onClick={() => openDialog('token')} />
      </PageHead>
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      {!me && !loaded.error && <Skeleton />}
      {me && <Account key={`${me.displayName} ${me.sessionTimeoutSeconds}`} me={me} onSaved={loaded.set} />}
      {me && <Sessions list={me.sessions} reload={loaded.reload} />}
      {dialogArg('password') !== null && <PasswordDialog needsCode={me?.totpEnabled === true} />}
      {dialogArg('token') !== null && <TokenDialog onDone={() => void loaded.reload()} />}
    </>
  );
}

function Account({ me, onSaved }: { me: UserDetails; onSaved: (u: UserDetails) => void }) {
  const [name, setName] = useState(me.displayName);
  const [timeout, setTimeoutText] = useState(formatTtl(me.sessionTimeoutSeconds));
  const act = useAction();
  const seconds = parseTtl(timeout);
  const isValid = seconds !== null && seconds <= 604_800;
  const isChanged = name !== me.displayName || seconds !== me.sessionTimeoutSeconds;
  const last = apiTime(me.previousSessionLoggedOn);
  return (
    <Card title={t('profile.account')}>
      <form
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (isChanged && isValid) {
            void act.run(async () => {
              onSaved(await user.setProfile({ displayName: name, sessionTimeoutSeconds: seconds ?? 0 }));
              toast(t('profile.saved'));
            });
          }
        }}
      >
        <Problem text={act.error} />
        <div class="cols2">
          <TextField label={t('users.displayName')} value={name} readOnly={me.isSsoUser} onInput={setName} />
          <TtlField label={t('users.timeout')} hint={t('users.timeoutHint')} value={timeout} error={isValid ? null : t('users.timeoutBad')} onInput={setTimeoutText} />
        </div>
        <div class="row small muted">
          <span>{t('profile.groups', { groups: me.memberOfGroups.join(', ') })}</span>
          {last !== null && <span>{t('profile.lastLogin', { time: dateTime(last), address: me.previousSessionRemoteAddress })}</span>}
        </div>
        {isChanged && (
          <div class="row">
            <Button submit kind="primary" label={t('action.save')} busy={act.isBusy} deny={isValid ? null : t('field.incomplete')} />
          </div>
        )}
      </form>
    </Card>
  );
}

function Sessions({ list, reload }: { list: readonly SessionRow[]; reload: () => Promise<void> }) {
  const act = useAction();
  return (
    <Card title={t('profile.sessions')} flush>
      <Problem text={act.error} />
      <SessionTable
        list={list}
        showUser={false}
        onDelete={(s) =>
          void act.run(async () => {
            await user.deleteSession(s.partialToken);
            await reload();
            toast(t('sessions.ended'));
          })
        }
      />
    </Card>
  );
}

interface TableProps {
  list: readonly SessionRow[];
  showUser: boolean;
  deny?: string | null;
  onDelete: (s: SessionRow) => void;
}

/** Sessions and tokens as rows; also of all users, under Administration. */
export function SessionTable({ list, showUser, deny = null, onDelete }: TableProps) {
  return (
    <div class="tblwrap">
      <table class="tbl">
        <thead>
          <tr>
            {showUser && <th scope="col">{t('sessions.user')}</th>}
            <th scope="col">{t('sessions.session')}</th>
            <th scope="col">{t('sessions.seen')}</th>
            <th scope="col">{t('sessions.address')}</th>
            <th scope="col" class="opt">
              {t('sessions.agent')}
            </th>
            <th scope="col" class="r">
              <span class="vh">{t('table.actionsHead')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((s) => {
            const seen = apiTime(s.lastSeen);
            return (
              <tr key={s.partialToken}>
                {showUser && (
                  <td>
                    <span class="nm">{s.username}</span>
                  </td>
                )}
                <td data-l={t('sessions.session')}>
                  <span>
                    {s.tokenName ? <span class="nm">{s.tokenName} </span> : <span class="mono">{s.partialToken.slice(0, 8)}… </span>}
                    <Badge tone={s.isCurrentSession ? 'acc' : ''}>{s.isCurrentSession ? t('sessions.current') : word('sessionType', s.type)}</Badge>
                  </span>
                </td>
                <td data-l={t('sessions.seen')}>
                  <span class="num" title={seen === null ? undefined : dateTime(seen)}>
                    {seen === null ? '–' : ago(seen)}
                  </span>
                </td>
                <td class="mono" data-l={t('sessions.address')}>
                  <span>{s.lastSeenRemoteAddress}</span>
                </td>
                <td class="opt" data-l={t('sessions.agent')}>
                  <span class="small wrap">{s.lastSeenUserAgent}</span>
                </td>
                <td class="r">
                  {!s.isCurrentSession && deny === null && (
                    <IconButton small icon="trash" label={t('sessions.end', { name: s.tokenName ?? s.partialToken.slice(0, 8) })} onClick={() => onDelete(s)} />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function PasswordDialog({ needsCode }: { needsCode: boolean }) {
  const [old, setOld] = useState('');
  const [pass, setPass] = useState('');
  const [again, setAgain] = useState('');
  const [code, setCode] = useState('');
  return (
    <FormDialog
      title={t('profile.changePassword')}
      submit={t('profile.changePassword')}
      isValid={old !== '' && pass.length >= PASSWORD_MIN && again === pass && (!needsCode || code.length === 6)}
      onClose={closeDialog}
      onSubmit={async () => {
        await user.changePassword(old, pass, needsCode ? code : undefined);
        toast(t('profile.passwordChanged'));
      }}
    >
      <TextField autofocus type="password" autocomplete="current-password" label={t('profile.oldPassword')} value={old} onInput={setOld} />
      <TextField type="password" autocomplete="new-password" label={t('profile.newPassword')} value={pass} onInput={setPass} />
      <StrengthBar pass={pass} />
      <TextField type="password" autocomplete="new-password" label={t('setup.again')} value={again} error={again !== '' && again !== pass ? t('password.differs') : null} onInput={setAgain} />
      {needsCode && <TextField mono inputMode="numeric" autocomplete="one-time-code" label={t('login.code')} value={code} onInput={setCode} />}
    </FormDialog>
  );
}

function TokenDialog({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState('');
  const [token, setToken] = useState<string | null>(null);
  const act = useAction();
  const create = (): void => {
    if (name.trim() === '' || token !== null) return;
    void act.run(async () => {
      setToken((await user.createToken(name.trim())).token);
      onDone();
    });
  };
  return (
    <Dialog
      title={t('profile.newToken')}
      onClose={closeDialog}
      onSubmit={create}
      error={act.error}
      footer={
        token === null ? (
          <>
            <Button label={t('action.cancel')} onClick={closeDialog} />
            <Button submit kind="primary" label={t('profile.createToken')} busy={act.isBusy} deny={name.trim() === '' ? t('field.incomplete') : null} />
          </>
        ) : (
          <Button kind="primary" label={t('action.done')} onClick={closeDialog} />
        )
      }
    >
      {token === null ? (
        <TextField autofocus label={t('profile.tokenName')} hint={t('profile.tokenHint')} value={name} onInput={setName} />
      ) : (
        <>
          <p>{t('profile.tokenOnce')}</p>
          <Secret text={token} />
        </>
      )}
    </Dialog>
  );
}
