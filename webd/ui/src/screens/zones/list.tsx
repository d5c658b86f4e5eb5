// All zones of a node in one virtual table: filter, sort, bulk acts.
import { computed } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { zones as api } from '../../api';
import { compileFilter, parseFilter, type FilterField } from '../../filter';
import { ago, apiTime, dateTime, num, t, until } from '../../i18n';
import { useKeys } from '../../keys';
import { closeDialog, dialogArg, go, href, openDialog, route, setQuery } from '../../router';
import { nodeKey, rights } from '../../state';
import type { Zone } from '../../types';
import { Button, Empty, Failure, PageHead, Problem, Skeleton } from '../../ui/basic';
import { FormDialog } from '../../ui/dialog';
import { SelectField } from '../../ui/field';
import { FilterLine } from '../../ui/filterline';
import { errorText, useAction, useLoad } from '../../ui/hooks';
import { BulkBar, ColumnsButton, sortRows, TableFoot, VirtualTable, type Column } from '../../ui/table';
import { toast } from '../../ui/toast';
import { loadZones, zoneError, zoneList } from '../../zonestore';
import { nameKey } from '../../records';
import { pageTitle } from '../../shell/shell';
import { AddZone } from './add';
import { askDelete, forEachZone, setEnabled, zoneMenu } from './actions';
import { canHaveCatalog, DnssecBadge, STATUSES, StatusBadge, statusOf, TypeBadge, zoneName, zoneTitle } from './status';

const modified = (z: Zone): number => apiTime(z.lastModified) ?? 0;
const expires = (z: Zone): number => apiTime(z.expiry) ?? 0;

const COLUMNS: readonly Column<Zone>[] = [
  {
    key: 'name',
    title: t('zones.col.name'),
    width: 'minmax(150px, 2.6fr)',
    phone: 'title',
    sortKey: (z) => nameKey(z.name),
    cell: (z) => (
      <>
        <a class="x" href={href(['zones', zoneName(z)])} tabIndex={-1}>
          {zoneTitle(z)}
        </a>
        {z.nameIdn !== undefined && z.nameIdn !== z.name && <span class="muted mono small"> {z.name}</span>}
      </>
    ),
  },
  { key: 'type', title: t('zones.col.type'), width: '130px', compare: (a, b) => a.type.localeCompare(b.type), cell: (z) => <TypeBadge zone={z} /> },
  {
    key: 'status',
    title: t('zones.col.status'),
    width: '130px',
    compare: (a, b) => STATUSES.indexOf(statusOf(a)) - STATUSES.indexOf(statusOf(b)),
    cell: (z) => <StatusBadge zone={z} />,
  },
  { key: 'dnssec', title: t('zones.col.dnssec'), width: '126px', isOptional: true, phone: 'none', compare: (a, b) => (a.dnssecStatus ?? '').localeCompare(b.dnssecStatus ?? ''), cell: (z) => <DnssecBadge zone={z} /> },
  { key: 'catalog', title: t('zones.col.catalog'), width: 'minmax(60px, 1fr)', isOptional: true, phone: 'none', compare: (a, b) => (a.catalog ?? '').localeCompare(b.catalog ?? ''), cell: (z) => (z.catalog ? <span class="mono muted" title={z.catalog}>{z.catalog}</span> : null) },
  { key: 'serial', title: t('zones.col.serial'), width: '92px', isOptional: true, phone: 'none', compare: (a, b) => a.soaSerial - b.soaSerial, cell: (z) => <span class="num">{z.soaSerial}</span> },
  { key: 'expiry', title: t('zones.col.expiry'), width: '80px', isOptional: true, phone: 'none', compare: (a, b) => expires(a) - expires(b), cell: (z) => <When ms={apiTime(z.expiry)} /> },
  { key: 'modified', title: t('zones.col.modified'), width: '90px', compare: (a, b) => modified(a) - modified(b), cell: (z) => <When ms={apiTime(z.lastModified)} /> },
];

function When({ ms }: { ms: number | null }) {
  if (ms === null) return null;
  const now = Date.now();
  return (
    <span class="num muted" title={dateTime(ms)}>
      {ms > now ? until(ms, now) : ago(ms, now)}
    </span>
  );
}

const FIELDS: Readonly<Record<string, FilterField<Zone>>> = {
  name: { text: (z) => `${zoneName(z)} ${z.nameIdn ?? ''}` },
  type: { text: (z) => (z.internal ? 'Internal' : z.type), isExact: true },
  status: { text: statusOf, isExact: true },
  catalog: { text: (z) => z.catalog ?? 'none' },
  dnssec: { text: (z) => (z.dnssecStatus === undefined || z.dnssecStatus === 'Unsigned' ? 'unsigned' : 'signed'), isExact: true },
};

const query = computed(() => route.value.query['q'] ?? '');
const sort = computed(() => route.value.query['sort'] ?? '');
const keys = computed(() => ({
  name: [],
  type: ['Primary', 'Secondary', 'Stub', 'Forwarder', 'SecondaryForwarder', 'Catalog', 'SecondaryCatalog', 'Internal'],
  status: STATUSES,
  catalog: ['none', ...new Set((zoneList.value ?? []).map((z) => z.catalog).filter((c): c is string => typeof c === 'string' && c !== ''))],
  dnssec: ['signed', 'unsigned'],
}));
const shown = computed(() => {
  const test = compileFilter(parseFilter(query.value, Object.keys(FIELDS)), FIELDS, (z) => `${zoneName(z)} ${z.nameIdn ?? ''}`);
  return sortRows((zoneList.value ?? []).filter(test), COLUMNS, sort.value);
});

export function ZoneListScreen() {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const act = useAction();
  const r = rights('Zones');
  useEffect(() => {
    pageTitle.value = '';
    setChosen(new Set());
    void loadZones();
  }, [nodeKey.value]);
  useKeys({ n: () => openDialog('add') });

  const all = zoneList.value;
  const rows = shown.value;
  const picked = (all ?? []).filter((z) => chosen.has(zoneName(z)));
  const names = picked.map(zoneName);
  const bulk = (run: () => Promise<unknown>): void => void act.run(run);

  return (
    <>
      <PageHead title={t('nav.zones')} sub={all && t('zones.count', { n: all.length })}>
        <Button icon="upload" label={t('zones.importFile')} deny={r.canModify ? null : t('right.modify')} onClick={() => openDialog('add', 'import')} />
        <Button kind="primary" icon="plus" label={t('zones.add')} deny={r.canModify ? null : t('right.modify')} onClick={() => openDialog('add')} />
      </PageHead>
      <Problem text={act.error} />
      {zoneError.value && <Failure error={zoneError.value} retry={() => void loadZones()} />}
      <section class="card">
        <div class="filter">
          <FilterLine
            label={t('zones.filter')}
            placeholder={t('zones.filterHint')}
            value={query.value}
            keys={keys.value}
            onChange={(q) => setQuery({ q })}
          />
          <ColumnsButton id="zones" columns={COLUMNS} />
        </div>
        {all === null ? (
          zoneError.value === null && <Skeleton lines={8} />
        ) : all.length === 0 ? (
          <Empty title={t('zones.empty')} text={t('zones.emptyText')}>
            <Button kind="primary" icon="plus" label={t('zones.add')} onClick={() => openDialog('add')} />
          </Empty>
        ) : rows.length === 0 ? (
          <Empty title={t('zones.noMatch')}>
            <Button label={t('filter.clear')} onClick={() => setQuery({ q: null })} />
          </Empty>
        ) : (
          <VirtualTable
            id="zones"
            label={t('nav.zones')}
            columns={COLUMNS}
            rows={rows}
            rowKey={zoneName}
            rowLabel={zoneTitle}
            rowClass={(z) => (z.disabled ? 'off' : '')}
            sort={sort.value}
            onSort={(s) => setQuery({ sort: s })}
            selection={{ keys: chosen, onChange: setChosen }}
            onOpen={(z) => go(['zones', zoneName(z)])}
            menu={(z) => zoneMenu(z, { isPage: false, fail: bulk, reload: () => void loadZones() })}
            phoneHeight={66}
          />
        )}
        {all !== null && all.length > 0 && (
          <TableFoot
            text={t('zones.shown', { shown: rows.length, all: all.length })}
            keys={[
              { key: 'n', label: t('key.new') },
              { key: 'Enter', label: t('key.open') },
              { key: 'x', label: t('key.select') },
              { key: '/', label: t('key.filter') },
            ]}
          />
        )}
      </section>
      <BulkBar count={picked.length} onClear={() => setChosen(new Set())}>
        <Button small busy={act.isBusy} icon="play" label={t('zones.enable')} deny={r.canModify ? null : t('right.modify')} onClick={() => bulk(() => setEnabled(names, true))} />
        <Button small busy={act.isBusy} icon="pause" label={t('zones.disable')} deny={r.canModify ? null : t('right.modify')} onClick={() => bulk(() => setEnabled(names, false))} />
        <Button
          small
          label={t('zones.setCatalog')}
          deny={!r.canModify ? t('right.modify') : picked.every(canHaveCatalog) ? null : t('zones.noCatalogKind')}
          onClick={() => openDialog('catalog')}
        />
        <Button small kind="danger" icon="trash" label={t('zones.delete')} deny={r.canDelete ? null : t('right.delete')} onClick={() => askDelete(names, () => setChosen(new Set()))} />
      </BulkBar>
      {dialogArg('add') !== null && <AddZone wantsFile={dialogArg('add') === 'import'} />}
      {dialogArg('catalog') !== null && picked.length > 0 && <SetCatalog names={names} />}
    </>
  );
}

function SetCatalog({ names }: { names: readonly string[] }) {
  const catalogs = useLoad(`catalogs ${nodeKey.value}`, api.catalogs);
  const [catalog, setCatalog] = useState('');
  const list = catalogs.data?.catalogZoneNames ?? [];
  return (
    <FormDialog
      title={t('zones.setCatalogOf', { n: names.length })}
      submit={t('zones.setCatalog')}
      onClose={closeDialog}
      onSubmit={async () => {
        await forEachZone(names, (z) => api.setOptions(z, { catalog }));
        toast(catalog === '' ? t('zones.catalogCleared', { n: names.length }) : t('zones.catalogSet', { n: names.length, catalog }));
      }}
    >
      <SelectField
        label={t('zones.col.catalog')}
        value={catalog}
        options={[{ value: '', label: t('zones.noCatalog') }, ...list.map((c) => ({ value: c, label: c }))]}
        error={catalogs.error ? errorText(catalogs.error) : null}
        hint={t('zones.catalogHint')}
        onChange={setCatalog}
      />
      {names.length > 0 && (
        <p class="small muted">
          {names.slice(0, 6).join(', ')}
          {names.length > 6 && ` … ${num(names.length)}`}
        </p>
      )}
    </FormDialog>
  );
}

