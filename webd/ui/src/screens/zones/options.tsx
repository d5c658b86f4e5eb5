// Zone options: access, transfers, notifies, updates. Which groups a type has is a table; a member
// of a catalog takes the catalog's values unless it overrides them.
import { useState } from 'preact/hooks';
import { list, table, zones as api, type Params } from '../../api';
import { t, word, type Key } from '../../i18n';
import { nodeKey, rights } from '../../state';
import type { UpdatePolicy, ZoneOptions, ZoneType } from '../../types';
import { Button, Card, Failure, IconButton, Notice, Problem, Skeleton } from '../../ui/basic';
import { CheckField, ListField, SelectField, TextField } from '../../ui/field';
import { useAction, useLoad } from '../../ui/hooks';
import { toast } from '../../ui/toast';
import { check, checkList, splitList } from '../../validate';

type Group = 'source' | 'catalog' | 'query' | 'transfer' | 'notify' | 'update';

const GROUPS: Readonly<Record<ZoneType, readonly Group[]>> = {
  Primary: ['catalog', 'query', 'transfer', 'notify', 'update'],
  Forwarder: ['catalog', 'query', 'transfer', 'notify', 'update'],
  Secondary: ['source', 'catalog', 'query', 'transfer', 'notify', 'update'],
  SecondaryForwarder: ['source', 'query', 'update'],
  Catalog: ['query', 'transfer', 'notify'],
  SecondaryCatalog: ['source'],
  Stub: ['source', 'catalog', 'query'],
};

const ACCESS = ['Deny', 'Allow', 'AllowOnlyPrivateNetworks', 'AllowOnlyZoneNameServers', 'UseSpecifiedNetworkACL', 'AllowZoneNameServersAndUseSpecifiedNetworkACL'];
const TRANSFER = ACCESS.filter((a) => a !== 'AllowOnlyPrivateNetworks');
const NOTIFY = ['None', 'ZoneNameServers', 'SpecifiedNameServers', 'BothZoneAndSpecifiedNameServers'];
const CATALOG_NOTIFY = [...NOTIFY, 'SeparateNameServersForCatalogAndMemberZones'];

/* The form holds lists as text, so that a half-typed line can stay. */
interface Form {
  catalog: string;
  overrideQuery: boolean;
  overrideTransfer: boolean;
  overrideNotify: boolean;
  overridePrimaries: boolean;
  primaries: string;
  protocol: string;
  tsig: string;
  validate: boolean;
  query: string;
  queryAcl: string;
  transfer: string;
  transferAcl: string;
  transferKeys: string[];
  notify: string;
  notifyServers: string;
  notifySecondaryCatalogs: string;
  update: string;
  updateAcl: string;
  policies: UpdatePolicy[];
}

function formOf(o: ZoneOptions): Form {
  const text = (a: readonly string[] | undefined): string => (a ?? []).join('\n');
  return {
    catalog: o.catalog ?? '',
    overrideQuery: o.overrideCatalogQueryAccess ?? false,
    overrideTransfer: o.overrideCatalogZoneTransfer ?? false,
    overrideNotify: o.overrideCatalogNotify ?? false,
    overridePrimaries: o.overrideCatalogPrimaryNameServers ?? false,
    primaries: text(o.primaryNameServerAddresses),
    protocol: o.primaryZoneTransferProtocol ?? 'Tcp',
    tsig: o.primaryZoneTransferTsigKeyName ?? '',
    validate: o.validateZone ?? false,
    query: o.queryAccess ?? 'Allow',
    queryAcl: text(o.queryAccessNetworkACL),
    transfer: o.zoneTransfer ?? 'Deny',
    transferAcl: text(o.zoneTransferNetworkACL),
    transferKeys: o.zoneTransferTsigKeyNames ?? [],
    notify: o.notify ?? 'None',
    notifyServers: text(o.notifyNameServers),
    notifySecondaryCatalogs: text(o.notifySecondaryCatalogsNameServers),
    update: o.update ?? 'Deny',
    updateAcl: text(o.updateNetworkACL),
    policies: o.updateSecurityPolicies ?? [],
  };
}

/* Only what differs goes to the server, each as its API name. */
function changesOf(old: Form, now: Form): Params {
  const out: Params = {};
  const put = <K extends keyof Form>(key: K, name: string, write: (v: Form[K]) => string | boolean): void => {
    if (JSON.stringify(old[key]) !== JSON.stringify(now[key])) out[name] = write(now[key]);
  };
  const asList = (v: string): string => list(splitList(v));
  const same = <V extends string | boolean>(v: V): V => v;
  put('overrideQuery', 'overrideCatalogQueryAccess', same);
  put('overrideTransfer', 'overrideCatalogZoneTransfer', same);
  put('overrideNotify', 'overrideCatalogNotify', same);
  put('primaries', 'primaryNameServerAddresses', (v) => splitList(v).join(','));
  put('protocol', 'primaryZoneTransferProtocol', same);
  // The address protocol follows the transfer protocol: both go together.
  if (out['primaryZoneTransferProtocol'] !== undefined) out['primaryNameServerAddresses'] = splitList(now.primaries).join(',');
  put('tsig', 'primaryZoneTransferTsigKeyName', same);
  put('validate', 'validateZone', same);
  put('query', 'queryAccess', same);
  put('queryAcl', 'queryAccessNetworkACL', asList);
  put('transfer', 'zoneTransfer', same);
  put('transferAcl', 'zoneTransferNetworkACL', asList);
  put('transferKeys', 'zoneTransferTsigKeyNames', (v) => list(v));
  put('notify', 'notify', same);
  put('notifyServers', 'notifyNameServers', asList);
  put('notifySecondaryCatalogs', 'notifySecondaryCatalogsNameServers', asList);
  put('update', 'update', same);
  put('updateAcl', 'updateNetworkACL', asList);
  put('policies', 'updateSecurityPolicies', (v) => table(v.map((r) => [r.tsigKeyName, r.domain, r.allowedTypes.join(',')])));
  put('catalog', 'catalog', same);
  return out;
}

export function OptionsTab({ zone, onSaved }: { zone: string; onSaved: () => void }) {
  const loaded = useLoad(`${nodeKey.value} ${zone}`, () => api.options(zone));
  if (loaded.error) return <Failure error={loaded.error} retry={() => void loaded.reload()} />;
  if (!loaded.data) return <Skeleton />;
  return (
    <OptionsForm
      key={JSON.stringify(loaded.data)}
      zone={zone}
      options={loaded.data}
      onSaved={async () => {
        await loaded.reload();
        onSaved();
      }}
    />
  );
}

interface FormProps {
  zone: string;
  options: ZoneOptions;
  onSaved: () => Promise<void>;
}

function OptionsForm({ zone, options: o, onSaved }: FormProps) {
  const [old] = useState(() => formOf(o));
  const [form, setForm] = useState(old);
  const act = useAction();
  const set = (change: Partial<Form>): void => setForm((f) => ({ ...f, ...change }));
  const changes = changesOf(old, form);
  const groups = GROUPS[o.type];
  const isMember = o.isSecondaryCatalogMember === true;
  const isPrimary = o.type === 'Primary';
  const isForCatalog = o.type === 'Catalog';
  const inherits = form.catalog !== '';
  const n = Object.keys(changes).length;
  const bad = [form.primaries].some((v) => checkList(v, check.server) !== null) || [form.queryAcl, form.transferAcl, form.updateAcl].some((v) => checkList(v, check.acl) !== null) || [form.notifyServers, form.notifySecondaryCatalogs].some((v) => checkList(v, check.ip) !== null);
  const deny = !rights('Zones').canModify ? t('right.modify') : bad ? t('field.incomplete') : null;
  const has = (g: Group): boolean => groups.includes(g);
  const access = (list: readonly string[], current: string) =>
    list.filter((v) => isPrimary || isForCatalog || !/ZoneNameServers/.test(v) || v === current).map((v) => ({ value: v, label: word('access', v) }));
  const usesAcl = (v: string): boolean => v.includes('NetworkACL');

  return (
    <>
      {isMember && <Notice tone="info">{t('options.member')}</Notice>}
      <Problem text={act.error} />
      <div class="grid optgrid">
        {has('source') && (
          <Card title={t('options.source')}>
            <div class="stack">
              <ListField label={t('zones.primaries')} hint={t('zones.primariesOptional')} value={form.primaries} check={check.server} onInput={(v) => set({ primaries: v })} />
              {o.type !== 'Stub' && (
                <div class="cols2">
                  <SelectField label={t('zones.transport')} value={form.protocol} options={['Tcp', 'Tls', 'Quic'].map((v) => ({ value: v, label: t(`transport.${v}` as Key) }))} onChange={(v) => set({ protocol: v })} />
                  <SelectField label={t('zones.tsig')} value={form.tsig} options={[{ value: '', label: t('zones.noTsig') }, ...(o.availableTsigKeyNames ?? []).map((k) => ({ value: k, label: k }))]} onChange={(v) => set({ tsig: v })} />
                </div>
              )}
              {o.type === 'Secondary' && <CheckField label={t('options.zonemd')} hint={t('options.zonemdHint')} checked={form.validate} onChange={(v) => set({ validate: v })} />}
            </div>
          </Card>
        )}
        {has('catalog') && (
          <Card title={t('options.catalog')}>
            <div class="stack">
              <SelectField label={t('zones.col.catalog')} value={form.catalog} options={[{ value: '', label: t('zones.noCatalog') }, ...catalogChoices(o)]} hint={t('zones.catalogHint')} disabled={isMember} onChange={(v) => set({ catalog: v })} />
              {inherits && (
                <>
                  <CheckField label={t('options.overrideQuery')} checked={form.overrideQuery} onChange={(v) => set({ overrideQuery: v })} />
                  {has('transfer') && <CheckField label={t('options.overrideTransfer')} checked={form.overrideTransfer} onChange={(v) => set({ overrideTransfer: v })} />}
                  {has('notify') && o.type !== 'Secondary' && <CheckField label={t('options.overrideNotify')} checked={form.overrideNotify} onChange={(v) => set({ overrideNotify: v })} />}
                </>
              )}
            </div>
          </Card>
        )}
        {has('query') && (!inherits || form.overrideQuery) && (
          <Card title={t('options.query')}>
            <div class="stack">
              <SelectField label={t('options.queryWho')} value={form.query} options={access(ACCESS, form.query)} onChange={(v) => set({ query: v })} />
              {usesAcl(form.query) && <ListField label={t('options.acl')} hint={t('options.aclHint')} value={form.queryAcl} check={check.acl} onInput={(v) => set({ queryAcl: v })} />}
            </div>
          </Card>
        )}
        {has('transfer') && (!inherits || form.overrideTransfer) && (
          <Card title={t('options.transfer')}>
            <div class="stack">
              <SelectField label={t('options.transferWho')} value={form.transfer} options={access(TRANSFER, form.transfer)} onChange={(v) => set({ transfer: v })} />
              {usesAcl(form.transfer) && <ListField label={t('options.acl')} hint={t('options.aclHint')} value={form.transferAcl} check={check.acl} onInput={(v) => set({ transferAcl: v })} />}
              <KeyChoices label={t('options.transferKeys')} all={o.availableTsigKeyNames ?? []} chosen={form.transferKeys} onChange={(v) => set({ transferKeys: v })} />
            </div>
          </Card>
        )}
        {has('notify') && (!inherits || form.overrideNotify) && (
          <Card title={t('options.notify')}>
            <div class="stack">
              <SelectField label={t('options.notifyWhom')} value={form.notify} options={(isForCatalog ? CATALOG_NOTIFY : NOTIFY).map((v) => ({ value: v, label: word('notify', v) }))} onChange={(v) => set({ notify: v })} />
              {/Specified|Separate/.test(form.notify) && <ListField label={t('options.notifyServers')} hint={t('options.addressesHint')} value={form.notifyServers} check={check.ip} onInput={(v) => set({ notifyServers: v })} />}
              {/Separate/.test(form.notify) && <ListField label={t('options.notifyCatalogs')} hint={t('options.addressesHint')} value={form.notifySecondaryCatalogs} check={check.ip} onInput={(v) => set({ notifySecondaryCatalogs: v })} />}
              {o.notifyFailed && <Notice>{t('zone.notifyFailed', { servers: (o.notifyFailedFor ?? []).join(', ') })}</Notice>}
            </div>
          </Card>
        )}
        {has('update') && (
          <Card title={t('options.update')}>
            <div class="stack">
              <SelectField label={t('options.updateWho')} value={form.update} options={access(TRANSFER, form.update)} onChange={(v) => set({ update: v })} />
              {usesAcl(form.update) && <ListField label={t('options.acl')} hint={t('options.aclHint')} value={form.updateAcl} check={check.acl} onInput={(v) => set({ updateAcl: v })} />}
              {(isPrimary || o.type === 'Forwarder') && <Policies keys={o.availableTsigKeyNames ?? []} rows={form.policies} onChange={(v) => set({ policies: v })} zone={zone} />}
            </div>
          </Card>
        )}
      </div>
      {n > 0 && (
        <div class="pend" role="region" aria-label={t('changes.region')}>
          <b>{t('changes.count', { n })}</b>
          <span class="muted">{Object.keys(changes).map((k) => word('optionName', k)).join(', ')}</span>
          <span class="sp" />
          <Button small kind="ghost" label={t('action.discard')} onClick={() => setForm(old)} />
          <Button
            small
            kind="primary"
            label={t('action.save')}
            busy={act.isBusy}
            deny={deny}
            onClick={() =>
              void act.run(async () => {
                await api.setOptions(zone, changes);
                toast(t('options.saved', { zone }));
                await onSaved();
              })
            }
          />
        </div>
      )}
    </>
  );
}

/* The catalog that the zone is in may be one that this user cannot put zones into. */
function catalogChoices(o: ZoneOptions) {
  const all = new Set([...(o.availableCatalogZoneNames ?? []), ...(o.catalog ? [o.catalog] : [])]);
  return [...all].map((c) => ({ value: c, label: c }));
}

interface KeyProps {
  label: string;
  all: readonly string[];
  chosen: readonly string[];
  onChange: (v: string[]) => void;
}

function KeyChoices({ label, all, chosen, onChange }: KeyProps) {
  const names = [...new Set([...all, ...chosen])];
  return (
    <fieldset class="radios">
      <legend>{label}</legend>
      {names.length === 0 && <p class="muted small">{t('options.noKeys')}</p>}
      {names.map((k) => (
        <CheckField key={k} label={k} checked={chosen.includes(k)} onChange={(on) => onChange(on ? [...chosen, k] : chosen.filter((c) => c !== k))} />
      ))}
    </fieldset>
  );
}

interface PolicyProps {
  keys: readonly string[];
  rows: readonly UpdatePolicy[];
  zone: string;
  onChange: (v: UpdatePolicy[]) => void;
}

function Policies({ keys, rows, zone, onChange }: PolicyProps) {
  const setRow = (at: number, change: Partial<UpdatePolicy>): void => onChange(rows.map((r, i) => (i === at ? { ...r, ...change } : r)));
  return (
    <fieldset class="rowsed" style={{ '--tracks': '1fr 1fr 1fr' }}>
      <legend class="fld">{t('options.policies')}</legend>
      {rows.map((r, i) => (
        <div key={i} class="line">
          <SelectField label={t('zones.tsig')} value={r.tsigKeyName} options={[...new Set([r.tsigKeyName, ...keys])].map((k) => ({ value: k, label: k }))} onChange={(v) => setRow(i, { tsigKeyName: v })} />
          <TextField mono label={t('options.policyDomain')} value={r.domain} onInput={(v) => setRow(i, { domain: v })} />
          <TextField mono label={t('options.policyTypes')} value={r.allowedTypes.join(' ')} onInput={(v) => setRow(i, { allowedTypes: v.toUpperCase().split(/[\s,]+/).filter((x) => x !== '') })} />
          <IconButton icon="x" label={t('options.policyRemove')} onClick={() => onChange(rows.filter((_, j) => j !== i))} />
        </div>
      ))}
      <div>
        <Button small icon="plus" label={t('options.policyAdd')} deny={keys.length === 0 ? t('options.noKeys') : null} onClick={() => onChange([...rows, { tsigKeyName: keys[0] ?? '', domain: `*.${zone}`, allowedTypes: ['ANY'] }])} />
      </div>
    </fieldset>
  );
}
