// The records of a zone: virtual table with filter, row edit, bulk acts; or the same as text.
import { useMemo, useState } from 'preact/hooks';
import { records as api } from '../../api';
import { compileFilter, parseFilter, type FilterField } from '../../filter';
import { ago, apiTime, dateTime, formatTtl, parseTtl, t } from '../../i18n';
import { useKeys } from '../../keys';
import { canEdit, identityParams, keptParams, nameKey, recordId, recordText, recordType, relativeName, sameParams } from '../../records';
import { closeDialog, dialogArg, openDialog, route, setQuery } from '../../router';
import { rights } from '../../state';
import type { ZoneRecord } from '../../types';
import { Badge, Button, Empty, Problem, Seg } from '../../ui/basic';
import { FormDialog } from '../../ui/dialog';
import { TtlField } from '../../ui/field';
import { FilterLine } from '../../ui/filterline';
import { isNarrow, useAction } from '../../ui/hooks';
import type { MenuEntry } from '../../ui/menu';
import { BulkBar, ColumnsButton, sortRows, TableFoot, VirtualTable, type Column } from '../../ui/table';
import { toast } from '../../ui/toast';
import { RecordPanel, RecordRowForm, recordLabel } from './recordform';
import { ZoneText } from './text';
import type { ZoneData } from './zone';

function columnsFor(apex: string): Column<ZoneRecord>[] {
  return [
    {
      key: 'name',
      title: t('record.name'),
      width: 'minmax(120px, 1.1fr)',
      phone: 'title',
      sortKey: (r) => nameKey(r.name),
      cell: (r) => (
        <span class="mono x" title={r.nameIdn ?? r.name}>
          {relativeName(r.name, apex)}
        </span>
      ),
    },
    { key: 'type', title: t('record.type'), width: '76px', compare: (a, b) => a.type.localeCompare(b.type), cell: (r) => <span class="ty">{r.type}</span> },
    { key: 'ttl', title: t('record.ttl'), width: '72px', compare: (a, b) => a.ttl - b.ttl, cell: (r) => <span class="num x" title={t('field.seconds', { n: r.ttl })}>{formatTtl(r.ttl)}</span> },
    {
      key: 'data',
      title: t('record.data'),
      width: 'minmax(200px, 3fr)',
      phone: 'line',
      cell: (r) => (
        <>
          <span class="mono x" title={recordText(r)}>
            {recordText(r)}
          </span>{' '}
          {r.disabled && <Badge>{t('zoneStatus.Disabled')}</Badge>}
          {(r.expiryTtl ?? 0) > 0 && <Badge tone="warn">{t('record.expires', { time: formatTtl(r.expiryTtl ?? 0) })}</Badge>}
        </>
      ),
    },
    { key: 'comment', title: t('record.comment'), width: 'minmax(80px, 1fr)', isOptional: true, phone: 'none', cell: (r) => <span class="muted" title={r.comments}>{r.comments}</span> },
    { key: 'used', title: t('record.lastUsed'), width: '92px', isOptional: true, phone: 'none', compare: (a, b) => (apiTime(a.lastUsedOn) ?? 0) - (apiTime(b.lastUsedOn) ?? 0), cell: (r) => <Ago date={r.lastUsedOn} /> },
    { key: 'modified', title: t('record.lastModified'), width: '92px', isOptional: true, phone: 'none', compare: (a, b) => (apiTime(a.lastModified) ?? 0) - (apiTime(b.lastModified) ?? 0), cell: (r) => <Ago date={r.lastModified} /> },
  ];
}

function Ago({ date }: { date: string | undefined }) {
  const ms = apiTime(date);
  return ms === null ? null : (
    <span class="muted num" title={dateTime(ms)}>
      {ago(ms)}
    </span>
  );
}

interface Props {
  data: ZoneData;
  reload: () => Promise<void>;
}

export function RecordsTab({ data, reload }: Props) {
  const { zone, list, apex } = data;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const act = useAction();
  const query = route.value.query;
  const q = query['q'] ?? '';
  const sort = query['sort'] ?? '';
  const isText = query['view'] === 'text';
  const mayModify = rights('Zones').canModify;

  const columns = useMemo(() => columnsFor(apex), [apex]);
  const types = useMemo(() => [...new Set(list.map((r) => r.type))].sort(), [list]);
  const rows = useMemo(() => {
    const fields: Record<string, FilterField<ZoneRecord>> = {
      name: { text: (r) => relativeName(r.name, apex) },
      type: { text: (r) => r.type, isExact: true },
      data: { text: recordText },
      ttl: { text: (r) => formatTtl(r.ttl), isExact: true },
      comment: { text: (r) => r.comments ?? '' },
      status: { text: (r) => (r.disabled ? 'disabled' : 'enabled'), isExact: true },
    };
    const test = compileFilter(parseFilter(q, Object.keys(fields)), fields, (r) => `${relativeName(r.name, apex)} ${recordText(r)} ${r.comments ?? ''}`);
    return sortRows(list.filter(test), columns, sort);
  }, [list, q, sort, columns]);

  const picked = rows.filter((r) => chosen.has(recordId(r)));
  const editable = picked.filter((r) => canEdit(zone, r.type) && r.type !== 'SOA');
  const editKey = query['edit'] ?? null;
  const edited = editKey === null ? undefined : list.find((r) => recordId(r) === editKey);
  const stopEdit = (): void => setQuery({ edit: null });
  const startEdit = (r: ZoneRecord): void => {
    if (mayModify && canEdit(zone, r.type)) setQuery({ edit: recordId(r) }, false);
  };
  const isOwn = zone.type === 'Primary' && !zone.internal;
  useKeys({ n: () => isOwn && mayModify && openDialog('record') });

  const run = (job: () => Promise<unknown>): void => void act.run(job);
  const menu = (r: ZoneRecord): MenuEntry[] => {
    const noEdit = !mayModify ? t('right.modify') : canEdit(zone, r.type) ? null : t('record.readOnly');
    const noDelete = r.type === 'SOA' ? t('record.soaStays') : noEdit;
    return [
      { label: t('record.editIt'), icon: 'edit', deny: noEdit, run: () => startEdit(r) },
      { label: t(r.disabled ? 'zones.enable' : 'zones.disable'), icon: r.disabled ? 'play' : 'pause', deny: noDelete, run: () => run(() => setDisabled(data, [r], !r.disabled)) },
      { label: t('record.copy'), icon: 'copy', run: () => void navigator.clipboard?.writeText(`${r.name === '' ? '.' : `${r.name}.`} ${r.ttl} IN ${r.type} ${recordText(r)}`) },
      { label: t('record.onlyType', { type: r.type }), icon: 'search', run: () => setQuery({ q: `type:${r.type}` }) },
      'line',
      { label: t('record.delete'), icon: 'trash', danger: true, deny: noDelete, run: () => run(() => remove(data, [r])) },
    ];
  };

  return (
    <>
      <Problem text={act.error} />
      <section class="card">
        <div class="filter">
          {!isText && (
            <FilterLine
              label={t('record.filter')}
              placeholder={t('record.filterHint')}
              value={q}
              keys={{ type: types, name: [], data: [], ttl: [], comment: [], status: ['enabled', 'disabled'] }}
              onChange={(v) => setQuery({ q: v })}
            />
          )}
          {isText && <span class="sp" />}
          <Seg
            label={t('record.view')}
            value={isText ? 'text' : 'table'}
            options={[
              { value: 'table', label: t('record.viewTable') },
              { value: 'text', label: t('record.viewText') },
            ]}
            onChange={(v) => setQuery({ view: v === 'text' ? 'text' : null })}
          />
          {!isText && <ColumnsButton id="records" columns={columns} />}
        </div>
        {isText ? (
          <ZoneText zone={apex === '' ? '.' : apex} serial={zone.soaSerial} />
        ) : list.length === 0 ? (
          <Empty title={t('record.none')} text={t(zone.type === 'Primary' ? 'record.noneText' : 'record.noneTransfer')} />
        ) : rows.length === 0 ? (
          <Empty title={t('record.noMatch')}>
            <Button label={t('filter.clear')} onClick={() => setQuery({ q: null })} />
          </Empty>
        ) : (
          <VirtualTable
            id="records"
            label={t('zone.tab.records')}
            columns={columns}
            rows={rows}
            rowKey={recordId}
            rowLabel={(r) => recordLabel(r, apex)}
            rowClass={(r) => (r.disabled ? 'off' : '')}
            sort={sort}
            onSort={(s) => setQuery({ sort: s })}
            selection={isOwn && mayModify ? { keys: chosen, onChange: setChosen } : undefined}
            onOpen={startEdit}
            onKey={(key, r) => key === 'e' && startEdit(r)}
            menu={menu}
            editKey={isNarrow.value ? null : editKey}
            editor={(r) => <RecordRowForm data={data} record={r} onClose={stopEdit} />}
            phoneHeight={72}
          />
        )}
        {!isText && (
          <TableFoot
            text={t('record.shown', { shown: rows.length, all: list.length })}
            keys={[
              { key: 'n', label: t('key.new') },
              { key: 'e', label: t('key.edit') },
              { key: 'x', label: t('key.select') },
              { key: '/', label: t('key.filter') },
            ]}
          />
        )}
      </section>
      <BulkBar count={picked.length} onClear={() => setChosen(new Set())}>
        <Button small busy={act.isBusy} label={t('record.setTtl')} onClick={() => openDialog('ttl')} />
        <Button small busy={act.isBusy} icon="pause" label={t('zones.disable')} onClick={() => run(() => setDisabled(data, editable, true))} />
        <Button small busy={act.isBusy} icon="play" label={t('zones.enable')} onClick={() => run(() => setDisabled(data, editable, false))} />
        <Button
          small
          kind="danger"
          icon="trash"
          busy={act.isBusy}
          label={t('record.deleteN', { n: editable.length })}
          deny={editable.length === 0 ? t('record.readOnly') : null}
          onClick={() =>
            run(async () => {
              await remove(data, editable);
              setChosen(new Set());
            })
          }
        />
      </BulkBar>
      {dialogArg('record') !== null && isOwn && <RecordPanel key={dialogArg('record')} data={data} record={null} initialType={dialogArg('record') === '' ? 'A' : (dialogArg('record') ?? 'A')} onClose={closeDialog} />}
      {edited && isNarrow.value && <RecordPanel data={data} record={edited} onClose={stopEdit} />}
      {dialogArg('ttl') !== null && editable.length > 0 && <TtlDialog data={data} list={editable} reload={reload} />}
    </>
  );
}

function TtlDialog({ data, list, reload }: { data: ZoneData; list: readonly ZoneRecord[]; reload: () => Promise<void> }) {
  const [ttl, setTtl] = useState('1h');
  const seconds = parseTtl(ttl);
  return (
    <FormDialog
      title={t('record.setTtlOf', { n: list.length })}
      submit={t('record.setTtl')}
      isValid={seconds !== null}
      onClose={closeDialog}
      onSubmit={async () => {
        // The API keeps one TTL per name and type, so one call for each such set is enough.
        const sets = new Map(list.map((r) => [`${r.name} ${r.type}`, r]));
        for (const r of sets.values()) await change(data, r, { ttl: seconds ?? 0 });
        if (list.length > REREAD_MAX) await reload();
        else await data.refresh(list.map((r) => r.name));
        toast(t('record.ttlSet', { n: list.length, ttl }));
      }}
    >
      <TtlField autofocus label={t('record.ttl')} value={ttl} error={seconds === null ? t('check.ttl') : null} onInput={setTtl} />
    </FormDialog>
  );
}

const REREAD_MAX = 50; // names; above it the whole zone is read again

/* An update that says everything again but for `change`. */
async function change(data: ZoneData, r: ZoneRecord, what: { ttl?: number; disable?: boolean }): Promise<void> {
  const row = recordType(r.type);
  await api.update(zoneArg(data), {
    domain: r.name,
    type: r.type,
    ...keptParams(r),
    ...identityParams(row, r, data.apex),
    ...Object.fromEntries(Object.entries(sameParams(row, r, data.apex)).filter(([k]) => row.fields.some((f) => f.param === k && f.next === null && k !== 'ptr'))),
    ...what,
  });
}

const zoneArg = (data: ZoneData): string => (data.apex === '' ? '.' : data.apex);

async function setDisabled(data: ZoneData, list: readonly ZoneRecord[], off: boolean): Promise<void> {
  for (const r of list) await change(data, r, { disable: off });
  await data.refresh(list.map((r) => r.name));
}

/* Deletes at once and offers Undo, which adds the same records again. */
async function remove(data: ZoneData, list: readonly ZoneRecord[]): Promise<void> {
  for (const r of list) await api.remove(zoneArg(data), { domain: r.name, type: r.type, ...identityParams(recordType(r.type), r, data.apex) });
  await data.refresh(list.map((r) => r.name));
  const first = list[0];
  const text = list.length === 1 && first ? t('record.deleted', { name: relativeName(first.name, data.apex), type: first.type }) : t('record.deletedN', { n: list.length });
  toast(text, async () => {
    for (const r of list) {
      const row = recordType(r.type);
      await api.add(zoneArg(data), { domain: r.name, type: r.type, ttl: r.ttl, comments: r.comments ?? '', expiryTtl: r.expiryTtl ?? 0, ...sameParams(row, r, data.apex) });
      if (r.disabled) await change(data, r, { disable: true });
    }
    await data.refresh(list.map((r) => r.name));
  });
}
