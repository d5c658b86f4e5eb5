// Allowed and Blocked: the same flat list of names for two kinds.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { names as api, settings } from '../api';
import { compileFilter, parseFilter } from '../filter';
import { t } from '../i18n';
import { useKeys } from '../keys';
import { nameKey } from '../records';
import { closeDialog, dialogArg, openDialog, route, setQuery } from '../router';
import { pageTitle } from '../shell/shell';
import { rights } from '../state';
import type { NameKind } from '../types';
import { Button, Empty, Failure, IconButton, Notice, PageHead, Problem, Skeleton } from '../ui/basic';
import { ask, FormDialog } from '../ui/dialog';
import { FileField, ListField } from '../ui/field';
import { FilterLine } from '../ui/filterline';
import { useAction, useLoad } from '../ui/hooks';
import { openMenu } from '../ui/menu';
import { BulkBar, sortRows, TableFoot, VirtualTable, type Column } from '../ui/table';
import { toast } from '../ui/toast';
import { check, checkList, splitList } from '../validate';

const COLUMNS: readonly Column<string>[] = [
  { key: 'name', title: t('names.name'), width: 'minmax(0, 1fr)', phone: 'title', sortKey: nameKey, cell: (n) => <span class="mono x">{n}</span> },
];

export default function Names() {
  const kind: NameKind = route.value.path[0] === 'allowed' ? 'allowed' : 'blocked';
  return <NameList key={kind} kind={kind} />;
}

function NameList({ kind }: { kind: NameKind }) {
  const loaded = useLoad(kind, async () => splitList(await api.exportText(kind)));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const act = useAction();
  const r = rights(kind === 'allowed' ? 'Allowed' : 'Blocked');
  const q = route.value.query['q'] ?? '';
  const sort = route.value.query['sort'] ?? '';
  const all = loaded.data;
  const noModify = r.canModify ? null : t('right.modify');
  const noDelete = r.canDelete ? null : t('right.delete');
  const text = (key: 'title' | 'intro' | 'add' | 'empty' | 'emptyText'): string => t(`names.${kind}.${key}`);
  useEffect(() => {
    pageTitle.value = '';
  }, [kind]);
  useKeys({ n: () => openDialog('add') });

  const rows = useMemo(() => sortRows((all ?? []).filter(compileFilter(parseFilter(q, []), {}, (n: string) => n)), COLUMNS, sort === '' ? 'name' : sort), [all, q, sort]);
  const picked = rows.filter((n) => chosen.has(n));

  const add = async (list: readonly string[]): Promise<void> => {
    const [only] = list;
    if (list.length === 1 && only !== undefined) await api.add(kind, only);
    else await inBatches(list, (part) => api.importNames(kind, part));
    await loaded.reload();
  };
  const remove = (list: readonly string[]): void =>
    void act.run(async () => {
      for (const n of list) await api.remove(kind, n);
      setChosen(new Set());
      await loaded.reload();
      const one = list.length === 1 ? (list[0] ?? '') : null;
      toast(one !== null ? t('names.deleted', { name: one }) : t('names.deletedN', { n: list.length }), () => add(list));
    });
  const flush = (): void =>
    ask({
      title: t('names.flush'),
      text: <p>{t('names.flushText', { n: all?.length ?? 0 })}</p>,
      action: t('names.flush'),
      typed: t('names.flushWord'),
      run: async () => {
        await api.flush(kind);
        await loaded.reload();
        toast(t('names.flushed'));
      },
    });

  return (
    <>
      <PageHead title={text('title')} sub={all && t('names.count', { n: all.length })}>
        <Button icon="upload" label={t('names.import')} deny={noModify} onClick={() => openDialog('import')} />
        <Button kind="primary" icon="plus" label={text('add')} deny={noModify} onClick={() => openDialog('add')} />
        <IconButton
          menu
          icon="more"
          label={t('names.more')}
          onClick={(e) =>
            openMenu(e.currentTarget, t('names.more'), [
              { label: t('names.export'), icon: 'download', run: () => void act.run(() => api.exportFile(kind)) },
              'line',
              { label: t('names.flush'), icon: 'trash', danger: true, deny: noDelete, run: flush },
            ])
          }
        />
      </PageHead>
      {kind === 'blocked' && rights('Settings').canView && <BlockingState />}
      <Problem text={act.error} />
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      <section class="card">
        <div class="filter">
          <FilterLine label={t('names.filter')} placeholder={t('names.filterHint')} value={q} keys={{}} onChange={(v) => setQuery({ q: v })} />
        </div>
        {all === null ? (
          !loaded.error && <Skeleton lines={6} />
        ) : all.length === 0 ? (
          <Empty title={text('empty')} text={text('emptyText')}>
            <Button kind="primary" icon="plus" label={text('add')} deny={noModify} onClick={() => openDialog('add')} />
          </Empty>
        ) : rows.length === 0 ? (
          <Empty title={t('names.noMatch')}>
            <Button label={t('filter.clear')} onClick={() => setQuery({ q: null })} />
          </Empty>
        ) : (
          <VirtualTable
            id={kind}
            label={text('title')}
            columns={COLUMNS}
            rows={rows}
            rowKey={(n) => n}
            rowLabel={(n) => n}
            sort={sort}
            onSort={(s) => setQuery({ sort: s })}
            selection={r.canDelete ? { keys: chosen, onChange: setChosen } : undefined}
            menu={(n) => [
              { label: t('action.copy'), icon: 'copy', run: () => void navigator.clipboard?.writeText(n) },
              'line',
              { label: t('names.delete'), icon: 'trash', danger: true, deny: noDelete, run: () => remove([n]) },
            ]}
            phoneHeight={48}
          />
        )}
        {all !== null && all.length > 0 && (
          <TableFoot
            text={t('names.shown', { shown: rows.length, all: all.length })}
            keys={[
              { key: 'n', label: t('key.new') },
              { key: 'x', label: t('key.select') },
              { key: '/', label: t('key.filter') },
            ]}
          />
        )}
      </section>
      <BulkBar count={picked.length} onClear={() => setChosen(new Set())}>
        <Button small kind="danger" icon="trash" busy={act.isBusy} label={t('names.deleteN', { n: picked.length })} deny={noDelete} onClick={() => remove(picked)} />
      </BulkBar>
      {dialogArg('add') !== null && <AddNames kind={kind} onAdd={add} />}
      {dialogArg('import') !== null && <ImportNames onAdd={add} />}
    </>
  );
}

const SHOWN_MAX = 200_000; // characters of a list file that are put into the field
const BATCH = 1_000; // names in one import call

async function inBatches(list: readonly string[], call: (part: readonly string[]) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < list.length; i += BATCH) await call(list.slice(i, i + BATCH));
}

/** Says when blocking is off altogether: then this list has no effect. */
function BlockingState() {
  const loaded = useLoad('blocking', settings.get);
  const act = useAction();
  if (loaded.data?.['enableBlocking'] !== false) return null;
  return (
    <Notice
      action={
        <Button
          small
          label={t('names.turnOn')}
          busy={act.isBusy}
          deny={rights('Settings').canModify ? null : t('right.modify')}
          onClick={() =>
            void act.run(async () => {
              loaded.set(await settings.set({ enableBlocking: true }));
              toast(t('names.turnedOn'));
            })
          }
        />
      }
    >
      {act.error ?? t('names.blockingOff')}
    </Notice>
  );
}

interface AddProps {
  kind: NameKind;
  onAdd: (list: readonly string[]) => Promise<void>;
}

const nameOrIp = (s: string) => (check.ip(s) === null ? null : check.name(s));

function AddNames({ kind, onAdd }: AddProps) {
  const [text, setText] = useState('');
  const list = splitList(text);
  return (
    <FormDialog
      title={t(`names.${kind}.add`)}
      submit={t(`names.${kind}.add`)}
      isValid={list.length > 0 && checkList(text, nameOrIp) === null}
      onClose={closeDialog}
      onSubmit={async () => {
        await onAdd(list);
        toast(t(`names.${kind}.added`, { n: list.length, name: list[0] ?? '' }));
      }}
    >
      <ListField autofocus rows={3} label={t('names.names')} hint={t(`names.${kind}.hint`)} value={text} check={nameOrIp} onInput={setText} />
    </FormDialog>
  );
}

/** Names of a list file: one a line, with "#" comments; the addresses of a hosts file are dropped. */
export function readNameFile(text: string): string[] {
  const out = new Set<string>();
  for (const line of text.split(/[\r\n,]+/)) {
    const parts = line.replace(/[#!].*$/, '').trim().split(/\s+/).filter((p) => p !== '');
    const name = parts.length > 1 && check.ip(parts[0] ?? '') === null ? parts[1] : parts[0];
    if (name !== undefined && name !== 'localhost') out.add(name.replace(/\.$/, '').toLowerCase());
  }
  return [...out];
}

function ImportNames({ onAdd }: Pick<AddProps, 'onAdd'>) {
  const [file, setFile] = useState<File | null>(null);
  const [text, setText] = useState('');
  const { list, bad } = useMemo(() => {
    const found = readNameFile(text);
    return { list: found, bad: checkList(found.join('\n'), nameOrIp) };
  }, [text]);
  return (
    <FormDialog
      side
      title={t('names.import')}
      submit={t('names.importN', { n: list.length })}
      isValid={list.length > 0 && bad === null}
      onClose={closeDialog}
      onSubmit={async () => {
        await onAdd(list);
        toast(t('names.imported', { n: list.length }));
      }}
    >
      <FileField
        label={t('names.file')}
        hint={t('names.fileHint')}
        file={file}
        onPick={(f) => {
          setFile(f);
          void f?.text().then(setText);
        }}
      />
      {text.length < SHOWN_MAX ? (
        <ListField rows={14} label={t('names.names')} value={text} error={bad ? t('field.badLine', { entry: bad.entry, why: t(bad.wrong) }) : null} onInput={setText} />
      ) : (
        <Notice tone={bad ? 'bad' : 'info'}>{bad ? t('field.badLine', { entry: bad.entry, why: t(bad.wrong) }) : t('names.found', { n: list.length })}</Notice>
      )}
    </FormDialog>
  );
}
