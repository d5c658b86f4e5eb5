// Everybody's sessions and API tokens on the shown node.
import { useState } from 'preact/hooks';
import { admin as api } from '../../api';
import { t } from '../../i18n';
import { closeDialog, dialogArg, openDialog, route, setQuery } from '../../router';
import { nodeKey, rights, session } from '../../state';
import { Button, Card, Empty, Failure, Problem, Skeleton } from '../../ui/basic';
import { Dialog } from '../../ui/dialog';
import { SelectField, TextField } from '../../ui/field';
import { FilterLine } from '../../ui/filterline';
import { useAction, useEvery, useLoad } from '../../ui/hooks';
import { Secret } from '../../ui/secret';
import { toast } from '../../ui/toast';
import { compileFilter, parseFilter, type FilterField } from '../../filter';
import type { SessionRow } from '../../types';
import { SessionTable } from '../profile';

const REFRESH_MS = 15_000;

const FIELDS: Readonly<Record<string, FilterField<SessionRow>>> = {
  user: { text: (s) => s.username },
  type: { text: (s) => s.type, isExact: true },
  address: { text: (s) => s.lastSeenRemoteAddress },
};

export function SessionsTab() {
  const loaded = useLoad(`sessions ${nodeKey.value}`, api.sessions);
  const act = useAction();
  useEvery(REFRESH_MS, () => void loaded.reload());
  const q = route.value.query['q'] ?? '';
  const r = rights('Administration');
  const all = loaded.data?.sessions ?? [];
  const test = compileFilter(parseFilter(q, Object.keys(FIELDS)), FIELDS, (s) => `${s.username} ${s.tokenName ?? ''} ${s.lastSeenRemoteAddress} ${s.lastSeenUserAgent ?? ''}`);
  const list = all.filter(test);
  return (
    <>
      <Problem text={act.error} />
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      <Card
        title={t('sessions.count', { n: all.length })}
        flush
        actions={<Button small kind="primary" icon="plus" label={t('profile.newToken')} deny={r.canModify ? null : t('right.modify')} onClick={() => openDialog('token')} />}
      >
        <div class="filter">
          <FilterLine label={t('sessions.filter')} placeholder={t('sessions.filterHint')} value={q} keys={{ user: [...new Set(all.map((s) => s.username))], type: ['Standard', 'ApiToken'], address: [] }} onChange={(v) => setQuery({ q: v })} />
        </div>
        {!loaded.data ? (
          <Skeleton />
        ) : list.length === 0 ? (
          <Empty title={t('sessions.noMatch')} />
        ) : (
          <SessionTable
            list={list}
            showUser
            deny={r.canDelete ? null : t('right.delete')}
            onDelete={(s) =>
              void act.run(async () => {
                await api.deleteSession(s.partialToken);
                await loaded.reload();
                toast(t('sessions.ended'));
              })
            }
          />
        )}
      </Card>
      {dialogArg('token') !== null && <TokenFor onDone={() => void loaded.reload()} />}
    </>
  );
}

/** An API token for any user. */
function TokenFor({ onDone }: { onDone: () => void }) {
  const users = useLoad('users', api.users);
  const [user, setUser] = useState(session.value?.username ?? '');
  const [name, setName] = useState('');
  const [token, setToken] = useState<string | null>(null);
  const act = useAction();
  const isReady = name.trim() !== '' && user !== '';
  return (
    <Dialog
      title={t('profile.newToken')}
      onClose={closeDialog}
      error={act.error}
      onSubmit={() =>
        isReady &&
        token === null &&
        void act.run(async () => {
          setToken((await api.createToken(user, name.trim())).token);
          onDone();
        })
      }
      footer={
        token === null ? (
          <>
            <Button label={t('action.cancel')} onClick={closeDialog} />
            <Button submit kind="primary" label={t('profile.createToken')} busy={act.isBusy} deny={isReady ? null : t('field.incomplete')} />
          </>
        ) : (
          <Button kind="primary" label={t('action.done')} onClick={closeDialog} />
        )
      }
    >
      {token === null ? (
        <>
          <SelectField label={t('sessions.user')} value={user} options={(users.data?.users ?? [{ username: user, displayName: user }]).map((u) => ({ value: u.username, label: u.displayName === u.username ? u.username : `${u.username} (${u.displayName})` }))} onChange={setUser} />
          <TextField autofocus label={t('profile.tokenName')} hint={t('sessions.tokenHint')} value={name} onInput={setName} />
        </>
      ) : (
        <>
          <p>{t('profile.tokenOnce')}</p>
          <Secret text={token} />
        </>
      )}
    </Dialog>
  );
}
