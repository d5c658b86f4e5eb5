// A new zone: a name or a network, a type, and what that type needs.
import { useState } from 'preact/hooks';
import { settings, zones as api, type CreateZone } from '../../api';
import { t, type Key } from '../../i18n';
import { closeDialog, go } from '../../router';
import { info, nodeKey } from '../../state';
import { FormDialog } from '../../ui/dialog';
import { AreaField, CheckField, FileField, ListField, RadioGroup, SelectField, TextField } from '../../ui/field';
import { useLoad } from '../../ui/hooks';
import { toast } from '../../ui/toast';
import { check, checkList, reverseZone, splitList } from '../../validate';
import { loadZones } from '../../zonestore';

type Kind = 'Primary' | 'Secondary' | 'Catalog' | 'SecondaryCatalog';

/* What each type takes, besides the name. */
const KINDS: Readonly<Record<Kind, { catalog: boolean; file: boolean; servers: boolean; serversNeeded: boolean }>> = {
  Primary: { catalog: true, file: true, servers: false, serversNeeded: false },
  Secondary: { catalog: true, file: false, servers: true, serversNeeded: false },
  Catalog: { catalog: false, file: false, servers: false, serversNeeded: false },
  SecondaryCatalog: { catalog: false, file: false, servers: true, serversNeeded: true },
};

export function AddZone({ wantsFile }: { wantsFile: boolean }) {
  const [zone, setZone] = useState('');
  const [kind, setKind] = useState<Kind>('Primary');
  const [catalog, setCatalog] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [text, setText] = useState('');
  const [dateScheme, setDateScheme] = useState(info.value?.useSoaSerialDateScheme ?? false);
  const [servers, setServers] = useState('');
  const [transport, setTransport] = useState('Tcp');
  const [tsig, setTsig] = useState('');
  const catalogs = useLoad(`catalogs ${nodeKey.value}`, api.catalogs);
  const keys = useLoad(`tsig ${nodeKey.value}`, settings.tsigKeyNames);

  const takes = KINDS[kind];
  const name = zone.trim();
  const wrong = name === '' ? null : check.zone(name);
  const reverse = reverseZone(name);
  const badServers = takes.servers && checkList(servers, check.server) !== null;
  const isValid = name !== '' && wrong === null && !badServers && (!takes.serversNeeded || splitList(servers).length > 0);

  const submit = async (): Promise<void> => {
    const wanted: CreateZone = {
      zone: name,
      type: kind,
      catalog: takes.catalog && catalog !== '' ? catalog : undefined,
      useSoaSerialDateScheme: kind === 'Primary' ? dateScheme : undefined,
      primaryNameServerAddresses: takes.servers && splitList(servers).length > 0 ? splitList(servers).join(',') : undefined,
      zoneTransferProtocol: takes.servers ? transport : undefined,
      tsigKeyName: takes.servers && tsig !== '' ? tsig : undefined,
    };
    const body = takes.file ? (file ?? (text.trim() === '' ? null : new Blob([text], { type: 'text/plain' }))) : null;
    const { domain } = await (body ? api.createFrom(wanted, body, file?.name ?? 'zone.txt') : api.create(wanted));
    const created = domain === '' ? '.' : domain;
    await loadZones();
    toast(t('zones.added', { zone: created }));
    setTimeout(() => go(['zones', created]));
  };

  return (
    <FormDialog side title={t(wantsFile ? 'zones.importFile' : 'zones.add')} submit={t('zones.add')} isValid={isValid} onClose={closeDialog} onSubmit={submit}>
      <TextField
        autofocus
        mono
        label={t('zones.name')}
        value={zone}
        error={wrong && t(wrong)}
        hint={reverse === null ? t('zones.nameHint') : t('zones.reverse', { zone: reverse })}
        onInput={setZone}
      />
      <RadioGroup
        label={t('zones.col.type')}
        value={kind}
        onChange={setKind}
        options={(Object.keys(KINDS) as Kind[]).map((k) => ({ value: k, label: t(`zoneType.${k}` as Key), hint: t(`zoneType.hint.${k}` as Key) }))}
      />
      {takes.catalog && (
        <SelectField
          label={t('zones.col.catalog')}
          value={catalog}
          options={[{ value: '', label: t('zones.noCatalog') }, ...(catalogs.data?.catalogZoneNames ?? []).map((c) => ({ value: c, label: c }))]}
          hint={t('zones.catalogHint')}
          onChange={setCatalog}
        />
      )}
      {takes.servers && (
        <>
          <ListField
            label={t('zones.primaries')}
            hint={t(takes.serversNeeded ? 'zones.primariesHint' : 'zones.primariesOptional')}
            value={servers}
            check={check.server}
            onInput={setServers}
          />
          <div class="cols2">
            <SelectField label={t('zones.transport')} value={transport} options={['Tcp', 'Tls', 'Quic'].map((v) => ({ value: v, label: t(`transport.${v}` as Key) }))} onChange={setTransport} />
            <SelectField
              label={t('zones.tsig')}
              value={tsig}
              options={[{ value: '', label: t('zones.noTsig') }, ...(keys.data?.tsigKeyNames ?? []).map((k) => ({ value: k, label: k }))]}
              onChange={setTsig}
            />
          </div>
        </>
      )}
      {takes.file && (
        <>
          <FileField label={t('zones.file')} hint={t('zones.fileHint')} file={file} onPick={setFile} />
          {file === null && <AreaField label={t('zones.paste')} mono rows={wantsFile ? 10 : 4} value={text} onInput={setText} />}
          <CheckField label={t('zones.dateScheme')} hint={t('zones.dateSchemeHint')} checked={dateScheme} onChange={setDateScheme} />
        </>
      )}
    </FormDialog>
  );
}
