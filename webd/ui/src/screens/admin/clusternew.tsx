// Making a cluster, and letting another node in.
import { useState } from 'preact/hooks';
import { cluster as api } from '../../api';
import { apiTime, t, until } from '../../i18n';
import { closeDialog } from '../../router';
import { Button, Notice } from '../../ui/basic';
import { Dialog, FormDialog } from '../../ui/dialog';
import { SelectField, TextField } from '../../ui/field';
import { useAction } from '../../ui/hooks';
import { Secret } from '../../ui/secret';
import { toast } from '../../ui/toast';
import { check, splitList } from '../../validate';
import type { JoinToken } from '../../types';
import { AddressField, addressesOk, usableAddresses } from './addresses';
import type { ClusterPage } from './cluster';

export function InitDialog({ page }: { page: ClusterPage }) {
  const host = page.state.serverIpAddresses ?? [];
  const [domain, setDomain] = useState('');
  const [addresses, setAddresses] = useState(usableAddresses(host).join('\n'));
  const [foreign, setForeign] = useState(false);
  const name = domain.trim().replace(/\.$/, '').toLowerCase();
  const wrong = name === '' ? null : check.name(name);
  const isValid = name !== '' && wrong === null && addressesOk(addresses, host, foreign);
  const host0 = page.state.dnsServerDomain.split('.')[0] ?? '';
  return (
    <FormDialog
      side
      title={t('cluster.new')}
      submit={t('cluster.create')}
      isValid={isValid}
      onClose={closeDialog}
      onSubmit={async () => {
        await page.changed(await api.init(name, splitList(addresses), foreign));
        toast(t('cluster.created', { domain: name }));
      }}
    >
      <p>{t('cluster.newText')}</p>
      <TextField
        autofocus
        mono
        label={t('cluster.domain')}
        hint={name !== '' && wrong === null ? t('cluster.domainGives', { name: `${host0}.${name}` }) : t('cluster.domainHint')}
        error={wrong && t(wrong)}
        value={domain}
        onInput={setDomain}
      />
      <AddressField host={host} value={addresses} allowForeign={foreign} onInput={setAddresses} onAllow={setForeign} />
      <Notice tone="info">
        <ul class="bullets">
          <li>{t('cluster.newDoes1')}</li>
          <li>{t('cluster.newDoes2')}</li>
          <li>{t('cluster.newDoes3')}</li>
        </ul>
      </Notice>
    </FormDialog>
  );
}

const VALID_FOR = [
  { value: '900', label: 'cluster.for15m' },
  { value: '3600', label: 'cluster.for1h' },
  { value: '86400', label: 'cluster.for1d' },
] as const;

export function AddNodeDialog({ page }: { page: ClusterPage }) {
  const [valid, setValid] = useState('3600');
  const [token, setToken] = useState<JoinToken | null>(null);
  const act = useAction();
  const self = page.self;
  return (
    <Dialog
      side
      title={t('cluster.addNode')}
      onClose={closeDialog}
      error={act.error}
      onSubmit={() => token === null && void act.run(async () => setToken(await api.createJoinToken(Number(valid))))}
      footer={
        token === null ? (
          <>
            <Button label={t('action.cancel')} onClick={closeDialog} />
            <Button submit kind="primary" label={t('cluster.createToken')} busy={act.isBusy} />
          </>
        ) : (
          <Button kind="primary" label={t('action.done')} onClick={closeDialog} />
        )
      }
    >
      <ol class="numbered">
        <li>{t('cluster.add1')}</li>
        <li>
          {token === null ? t('cluster.add2') : t('cluster.add2done')}
          {token === null ? (
            <SelectField label={t('cluster.validFor')} value={valid} options={VALID_FOR.map((v) => ({ value: v.value, label: t(v.label) }))} onChange={setValid} />
          ) : (
            <Token token={token} />
          )}
        </li>
        <li>{t('cluster.add3')}</li>
        <li>{t('cluster.add4')}</li>
      </ol>
      <p class="muted small">{t('cluster.addByPassword', { url: self?.url ?? '' })}</p>
    </Dialog>
  );
}

function Token({ token }: { token: JoinToken }) {
  const expires = apiTime(token.expires);
  return (
    <>
      <Secret text={token.token} />
      {expires !== null && <span class="small muted">{t('cluster.tokenEnds', { time: until(expires) })}</span>}
    </>
  );
}
