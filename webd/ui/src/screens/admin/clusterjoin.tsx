// Joining a cluster: the form, then the steps as they happen. The running task is part of the
// address, so that a reload comes back to it.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, cluster as api, type Params } from '../../api';
import { t, word } from '../../i18n';
import { closeDialog, route, setQuery } from '../../router';
import { Button, Notice, Skeleton } from '../../ui/basic';
import { Dialog } from '../../ui/dialog';
import { CheckField, RadioGroup, TextField } from '../../ui/field';
import { errorText, useAction } from '../../ui/hooks';
import { Icon } from '../../ui/icons';
import { toast } from '../../ui/toast';
import { check, optional, splitList } from '../../validate';
import type { Task } from '../../types';
import { AddressField, addressesOk, usableAddresses } from './addresses';
import type { ClusterPage } from './cluster';

export function JoinDialog({ page }: { page: ClusterPage }) {
  const id = route.value.query['task'];
  if (id !== undefined) return <Progress id={Number(id)} page={page} />;
  return page.state.clusterInitialized ? null : <JoinForm page={page} />;
}

type By = 'token' | 'password';

function JoinForm({ page }: { page: ClusterPage }) {
  const host = page.state.serverIpAddresses ?? [];
  const [by, setBy] = useState<By>('token');
  const [token, setToken] = useState('');
  const [url, setUrl] = useState('');
  const [address, setAddress] = useState('');
  const [user, setUser] = useState('admin');
  const [pass, setPass] = useState('');
  const [code, setCode] = useState('');
  const [ignore, setIgnore] = useState(false);
  const [addresses, setAddresses] = useState(usableAddresses(host).join('\n'));
  const [foreign, setForeign] = useState(false);
  const act = useAction();

  const badUrl = url.trim() !== '' && !/^https:\/\/[^\s/]+/.test(url.trim());
  const badAddress = optional(check.ip)(address);
  const isReady = by === 'token' ? token.trim() !== '' : url.trim() !== '' && !badUrl && badAddress === null && user.trim() !== '' && pass !== '';
  const isValid = isReady && addressesOk(addresses, host, foreign);

  const start = (): void => {
    if (!isValid) return;
    const own: Params = { secondaryNodeIpAddresses: splitList(addresses).join(','), allowForeignAddresses: foreign };
    const how: Params =
      by === 'token'
        ? { joinToken: token.trim() }
        : {
            primaryNodeUrl: url.trim(),
            primaryNodeIpAddress: address.trim() === '' ? undefined : address.trim(),
            primaryNodeUsername: user.trim(),
            primaryNodePassword: pass,
            primaryNodeTotp: code.trim() === '' ? undefined : code.trim(),
            ignoreCertificateErrors: ignore,
          };
    void act.run(async () => {
      const task = await api.join({ ...own, ...how });
      setQuery({ dialog: null, task: task.id });
    });
  };

  return (
    <Dialog
      side
      title={t('cluster.join')}
      onClose={closeDialog}
      onSubmit={start}
      error={act.error}
      footer={
        <>
          <Button label={t('action.cancel')} onClick={closeDialog} />
          <Button submit kind="primary" label={t('cluster.joinNow')} busy={act.isBusy} deny={isValid ? null : t('field.incomplete')} />
        </>
      }
    >
      <Notice>
        <b>{t('cluster.joinWarning')}</b> {t('cluster.joinOverwrites')}
      </Notice>
      <RadioGroup
        label={t('cluster.joinBy')}
        value={by}
        options={[
          { value: 'token', label: t('cluster.byToken'), hint: t('cluster.byTokenHint') },
          { value: 'password', label: t('cluster.byPassword'), hint: t('cluster.byPasswordHint') },
        ]}
        onChange={setBy}
      />
      {by === 'token' ? (
        <TextField autofocus mono label={t('cluster.token')} value={token} onInput={setToken} />
      ) : (
        <>
          <TextField mono label={t('cluster.primaryUrl')} hint="https://ns1.dns.example.net:53443/" error={badUrl ? t('cluster.urlBad') : null} value={url} onInput={setUrl} />
          <TextField mono label={t('cluster.primaryAddress')} hint={t('cluster.primaryAddressHint')} error={badAddress && t(badAddress)} value={address} onInput={setAddress} />
          <div class="cols2">
            <TextField label={t('login.user')} autocomplete="off" value={user} onInput={setUser} />
            <TextField type="password" autocomplete="off" label={t('login.password')} value={pass} onInput={setPass} />
          </div>
          <TextField mono inputMode="numeric" autocomplete="one-time-code" label={t('login.code')} hint={t('cluster.codeHint')} value={code} onInput={setCode} />
          <CheckField label={t('cluster.ignoreCert')} hint={t('cluster.ignoreCertHint')} checked={ignore} onChange={setIgnore} />
        </>
      )}
      <AddressField host={host} value={addresses} allowForeign={foreign} onInput={setAddresses} onAllow={setForeign} />
    </Dialog>
  );
}

const LOOK_EVERY_MS = 400;

function Progress({ id, page }: { id: number; page: ClusterPage }) {
  const [task, setTask] = useState<Task | null>(null);
  const [lost, setLost] = useState<string | null>(null);
  useEffect(() => {
    let isOver = false;
    const look = async (): Promise<void> => {
      while (!isOver) {
        try {
          const now = await api.task(id);
          setTask(now);
          setLost(null);
          if (now.finished) {
            if (!now.error) {
              await page.changed();
              toast(t('cluster.joined'));
            }
            return;
          }
        } catch (e) {
          setLost(errorText(e));
          if (e instanceof ApiError && e.status !== 'offline') return;
        }
        await new Promise((ok) => setTimeout(ok, LOOK_EVERY_MS));
      }
    };
    void look();
    return () => {
      isOver = true;
    };
  }, [id]);
  const close = (): void => setQuery({ task: null });
  const failed = task?.finished === true && task.error !== undefined;
  return (
    <Dialog
      side
      title={t(task?.finished ? (failed ? 'cluster.joinFailed' : 'cluster.joined') : 'cluster.joining')}
      onClose={close}
      error={failed ? (task?.error ?? null) : lost}
      footer={
        <>
          {failed && <Button label={t('cluster.joinAgain')} onClick={() => setQuery({ task: null, dialog: 'join' })} />}
          <Button kind="primary" label={t(task?.finished ? 'action.done' : 'cluster.hide')} onClick={close} />
        </>
      }
    >
      {task === null && lost === null ? <Skeleton /> : <Steps task={task} />}
      {task && !task.finished && <p class="muted small">{t('cluster.joinKeeps')}</p>}
    </Dialog>
  );
}

function Steps({ task }: { task: Task | null }) {
  const steps = task?.steps ?? [];
  const at = steps.findIndex((s) => !s.done);
  return (
    <ol class="steps" aria-live="polite">
      {steps.map((s, i) => {
        const isNow = i === at && task?.finished !== true;
        const isFail = i === at && task?.finished === true && task.error !== undefined;
        return (
          <li key={s.name} class={s.done ? 'done' : isFail ? 'fail' : isNow ? 'now' : ''}>
            <span class="mark">{s.done ? <Icon name="check" /> : isFail ? <Icon name="x" /> : isNow ? <span class="spin" /> : null}</span>
            <span class="grow">{word('joinStep', s.name)}</span>
            {s.done && <span class="small muted num">{t('cluster.ms', { n: s.ms })}</span>}
          </li>
        );
      })}
    </ol>
  );
}
