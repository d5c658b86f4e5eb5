// Changing a cluster: timers, addresses, resync, and the ways out of it.
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { cluster as api, type Params } from '../../api';
import { formatTtl, parseTtl, t } from '../../i18n';
import { closeDialog } from '../../router';
import { rights } from '../../state';
import type { ClusterNode } from '../../types';
import { Button, Notice } from '../../ui/basic';
import { ask, Dialog, FormDialog } from '../../ui/dialog';
import { CheckField, ListField, TextField, TtlField } from '../../ui/field';
import { toast } from '../../ui/toast';
import { check, checkList, splitList } from '../../validate';
import { AddressField, addressesOk } from './addresses';
import { INTERVALS, type ClusterPage } from './cluster';

export function OptionsDialog({ page }: { page: ClusterPage }) {
  const { state, self } = page;
  const [values, setValues] = useState<Record<string, string>>(() => Object.fromEntries(INTERVALS.map((i) => [i.key, formatTtl(Number(state[i.key] ?? 0))])));
  const seconds = (key: string): number => parseTtl(values[key] ?? '') ?? -1;
  const wrong = (i: (typeof INTERVALS)[number]): string | null => {
    const n = seconds(i.key);
    if (n < i.min || n > i.max) return t('cluster.between', { min: formatTtl(i.min), max: formatTtl(i.max) });
    if (i.key === 'configRefreshIntervalSeconds' && n <= seconds('heartbeatRefreshIntervalSeconds')) return t('cluster.longer');
    return null;
  };
  const isEditable = self?.type === 'Primary' && rights('Administration').canModify;
  const fields = INTERVALS.map((i) => (
    <TtlField key={i.key} label={t(i.label)} hint={t(i.hint)} readOnly={!isEditable} value={values[i.key] ?? ''} error={wrong(i)} onInput={(v) => setValues({ ...values, [i.key]: v })} />
  ));
  if (!isEditable) {
    return (
      <Dialog title={t('cluster.options')} onClose={closeDialog} footer={<Button label={t('action.close')} onClick={closeDialog} />}>
        <Notice tone="info">{t('cluster.optionsAtPrimary')}</Notice>
        {fields}
      </Dialog>
    );
  }
  return (
    <FormDialog
      title={t('cluster.options')}
      submit={t('action.save')}
      isValid={INTERVALS.every((i) => wrong(i) === null)}
      onClose={closeDialog}
      onSubmit={async () => {
        const params: Params = Object.fromEntries(INTERVALS.map((i) => [i.key, seconds(i.key)]));
        await page.changed(await api.setOptions(params));
        toast(t('cluster.optionsSaved'));
      }}
    >
      {fields}
    </FormDialog>
  );
}

export function EditNodeDialog({ page, node }: { page: ClusterPage; node: ClusterNode }) {
  const host = page.state.serverIpAddresses ?? [];
  const [addresses, setAddresses] = useState(node.ipAddresses.join('\n'));
  const [foreign, setForeign] = useState(false);
  return (
    <FormDialog
      title={t('cluster.editNodeOf', { name: node.name })}
      submit={t('action.save')}
      isValid={addressesOk(addresses, host, foreign)}
      onClose={closeDialog}
      onSubmit={async () => {
        await page.changed(await api.updateAddresses(splitList(addresses), foreign));
        toast(t('cluster.nodeSaved', { name: node.name }));
      }}
    >
      <AddressField host={host} value={addresses} allowForeign={foreign} onInput={setAddresses} onAllow={setForeign} />
      <p class="muted small">{t('cluster.editNodeText')}</p>
    </FormDialog>
  );
}

export function EditPrimaryDialog({ page, node }: { page: ClusterPage; node: ClusterNode }) {
  const [url, setUrl] = useState(node.url);
  const [addresses, setAddresses] = useState(node.ipAddresses.join('\n'));
  const badUrl = !/^https:\/\/[^\s/]+/.test(url.trim());
  return (
    <FormDialog
      title={t('cluster.editPrimary')}
      submit={t('action.save')}
      isValid={!badUrl && checkList(addresses, check.ip) === null}
      onClose={closeDialog}
      onSubmit={async () => {
        await page.changed(await api.updatePrimary(url.trim(), splitList(addresses)));
        toast(t('cluster.nodeSaved', { name: node.name }));
      }}
    >
      <p>{t('cluster.editPrimaryText')}</p>
      <TextField autofocus mono label={t('cluster.primaryUrl')} error={badUrl ? t('cluster.urlBad') : null} value={url} onInput={setUrl} />
      <ListField rows={2} label={t('cluster.primaryAddresses')} hint={t('cluster.primaryAddressHint')} value={addresses} check={check.ip} onInput={setAddresses} />
    </FormDialog>
  );
}

export function askResync(page: ClusterPage): void {
  ask({
    title: t('cluster.resync'),
    text: <p>{t('cluster.resyncText')}</p>,
    action: t('cluster.resync'),
    run: async () => {
      await api.resync();
      await page.changed();
      toast(t('cluster.resynced'));
    },
  });
}

const force = signal(false);

function ForceBox({ label, hint }: { label: string; hint: string }) {
  return <CheckField label={label} hint={hint} checked={force.value} onChange={(v) => (force.value = v)} />;
}

export function askRemove(page: ClusterPage, node: ClusterNode): void {
  force.value = node.state === 'Unreachable';
  ask({
    title: t('cluster.removeOf', { name: node.name }),
    text: <p>{t('cluster.removeText')}</p>,
    extra: <ForceBox label={t('cluster.removeForce')} hint={t('cluster.removeForceHint')} />,
    action: t('cluster.remove'),
    typed: node.name,
    run: async () => {
      await page.changed(await (force.value ? api.drop(node.id) : api.remove(node.id)));
      toast(t('cluster.removed', { name: node.name }));
    },
  });
}

export function askLeave(page: ClusterPage): void {
  force.value = false;
  ask({
    title: t('cluster.leave'),
    text: (
      <>
        <p>{t('cluster.leaveText')}</p>
        <ul>
          <li>{t('cluster.leaveKeeps')}</li>
          <li>{t('cluster.leaveLoses')}</li>
        </ul>
      </>
    ),
    extra: <ForceBox label={t('cluster.leaveForce')} hint={t('cluster.leaveForceHint')} />,
    action: t('cluster.leave'),
    typed: page.state.clusterDomain ?? '',
    run: async () => {
      await page.changed(await api.leave(force.value));
      toast(t('cluster.left'));
    },
  });
}

export function askDelete(page: ClusterPage): void {
  force.value = false;
  const others = page.nodes.length - 1;
  ask({
    title: t('cluster.delete'),
    text: (
      <>
        <p>{t('cluster.deleteText')}</p>
        {others > 0 && <Notice tone="bad">{t('cluster.deleteOthers', { n: others })}</Notice>}
      </>
    ),
    extra: others > 0 ? <ForceBox label={t('cluster.deleteForce')} hint={t('cluster.deleteForceHint')} /> : undefined,
    action: t('cluster.delete'),
    typed: page.state.clusterDomain ?? '',
    run: async () => {
      await page.changed(await api.destroy(force.value));
      toast(t('cluster.deleted'));
    },
  });
}
