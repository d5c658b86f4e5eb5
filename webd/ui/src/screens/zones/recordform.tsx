// The form of one record, by the row of its type. It stands in the row being edited or in a panel.
import { useState } from 'preact/hooks';
import { records as api } from '../../api';
import { formatTtl, parseTtl, t, type Key } from '../../i18n';
import {
  absoluteName,
  addableTypes,
  addParams,
  conflict,
  initialValues,
  lacksAddress,
  RECORD_TYPES,
  recordText,
  recordType,
  relativeName,
  textToPairs,
  updateParams,
  valuesOf,
  type RecordField,
  type Values,
} from '../../records';
import { info } from '../../state';
import type { ZoneRecord } from '../../types';
import { Button, IconButton, Notice, Problem } from '../../ui/basic';
import { Combobox } from '../../ui/combobox';
import { Dialog } from '../../ui/dialog';
import { AreaField, CheckField, SelectField, TextField, TtlField } from '../../ui/field';
import { useAction, useId } from '../../ui/hooks';
import { check, optional } from '../../validate';
import { toast } from '../../ui/toast';
import type { ZoneData } from './zone';

interface Props {
  data: ZoneData;
  record: ZoneRecord | null; // null: a new one
  initialType?: string;
  onClose: () => void;
}

interface Draft {
  name: string;
  type: string;
  ttl: string;
  comments: string;
  expiry: string;
  overwrite: boolean;
  values: Values;
}

function defaultTtl(type: string): string {
  const i = info.value;
  if (!i) return '1h';
  return formatTtl(type === 'NS' ? i.defaultNsRecordTtl : type === 'SOA' ? i.defaultSoaRecordTtl : i.defaultRecordTtl);
}

function startOf(p: Props): Draft {
  const r = p.record;
  const type = r?.type ?? p.initialType ?? 'A';
  return {
    name: r ? relativeName(r.name, p.data.apex) : '',
    type,
    ttl: r ? formatTtl(r.ttl) : defaultTtl(type),
    comments: r?.comments ?? '',
    expiry: r?.expiryTtl ? formatTtl(r.expiryTtl) : '',
    overwrite: false,
    values: r ? valuesOf(recordType(type), r) : initialValues(recordType(type)),
  };
}

/* What the form says, and what is wrong with it. */
function useRecordForm(p: Props) {
  const [draft, setDraft] = useState<Draft>(() => startOf(p));
  const act = useAction();
  const row = recordType(draft.type);
  const set = (change: Partial<Draft>): void => setDraft((d) => ({ ...d, ...change }));
  const setValue = (param: string, v: string): void => setDraft((d) => ({ ...d, values: { ...d.values, [param]: v } }));
  const setType = (type: string): void =>
    setDraft((d) => {
      const next = recordType(type);
      const kept = Object.fromEntries(next.fields.filter((f) => d.values[f.param] !== undefined && f.kind !== 'select').map((f) => [f.param, d.values[f.param] ?? '']));
      return { ...d, type, ttl: d.ttl === defaultTtl(d.type) ? defaultTtl(type) : d.ttl, values: { ...initialValues(next), ...kept } };
    });
  const owner = absoluteName(draft.name, p.data.apex);
  const errors: Record<string, Key> = {};
  for (const f of row.fields) {
    const wrong = f.check?.(draft.values[f.param] ?? '');
    if (wrong) errors[f.param] = wrong;
  }
  const nameWrong = draft.name.trim() === '' || draft.name.trim() === '@' ? null : check.name(draft.name.replace(/^\*\./, ''));
  const clash = draft.overwrite ? null : conflict(p.data.list, owner, draft.type, p.record, p.data.apex);
  const isValid = Object.keys(errors).length === 0 && nameWrong === null && clash === null && parseTtl(draft.ttl) !== null && optional(check.ttl)(draft.expiry) === null;

  const save = async (): Promise<void> => {
    if (!isValid) return;
    const common = { ttl: parseTtl(draft.ttl) ?? 0, comments: draft.comments, expiryTtl: parseTtl(draft.expiry) ?? 0 };
    const zone = p.data.apex;
    const done = await act.run(async () => {
      if (p.record) {
        await api.update(zone === '' ? '.' : zone, {
          domain: p.record.name,
          type: p.record.type,
          newDomain: owner === p.record.name ? undefined : owner,
          disable: p.record.disabled,
          ...common,
          ...updateParams(row, p.record, draft.values, zone),
        });
      } else {
        await api.add(zone === '' ? '.' : zone, { domain: owner, type: draft.type, overwrite: draft.overwrite, ...common, ...addParams(row, draft.values, zone) });
      }
      await p.data.refresh([owner, ...(p.record ? [p.record.name] : [])]);
    });
    if (!done) return;
    toast(t(p.record ? 'record.saved' : 'record.added', { name: relativeName(owner, zone), type: draft.type }));
    p.onClose();
  };
  return { draft, row, set, setValue, setType, owner, errors, nameWrong, clash, isValid, save, act };
}

type Form = ReturnType<typeof useRecordForm>;

/** The form in the row, for wide screens. */
export function RecordRowForm(p: Props) {
  const form = useRecordForm(p);
  return (
    <form
      class="recform"
      aria-label={t('record.edit')}
      onSubmit={(e) => {
        e.preventDefault();
        void form.save();
      }}
      onKeyDown={(e) => {
        if (e.key === 'Escape' && !e.defaultPrevented) {
          e.preventDefault();
          p.onClose();
        }
      }}
    >
      <Problem text={form.act.error} />
      <div class="edrow">
        <NameField form={form} apex={p.data.apex} isFixed={p.record?.type === 'SOA'} autofocus />
        <TextField mono label={t('record.type')} value={form.draft.type} readOnly onInput={() => undefined} />
        <TtlField label={t('record.ttl')} value={form.draft.ttl} error={parseTtl(form.draft.ttl) === null ? t('check.ttl') : null} onInput={(v) => form.set({ ttl: v })} />
        <Fields form={form} data={p.data} />
        <Remarks form={form} />
        <Warning form={form} data={p.data} />
        <div class="acts">
          <Button small submit kind="primary" label={t('action.save')} busy={form.act.isBusy} deny={form.isValid ? null : t('field.incomplete')} />
          <Button small label={t('action.cancel')} onClick={p.onClose} />
        </div>
      </div>
    </form>
  );
}

/** The form in a panel: for new records, and for all on phones. */
export function RecordPanel(p: Props) {
  const form = useRecordForm(p);
  return (
    <Dialog
      side
      title={p.record ? t('record.editOf', { name: relativeName(p.record.name, p.data.apex), type: p.record.type }) : t('record.add')}
      onClose={p.onClose}
      onSubmit={() => void form.save()}
      error={form.act.error}
      footer={
        <>
          <Button label={t('action.cancel')} onClick={p.onClose} />
          <Button submit kind="primary" label={t(p.record ? 'action.save' : 'record.add')} busy={form.act.isBusy} deny={form.isValid ? null : t('field.incomplete')} />
        </>
      }
    >
      <NameField form={form} apex={p.data.apex} isFixed={p.record?.type === 'SOA'} autofocus />
      <div class="cols2">
        {p.record ? (
          <TextField mono label={t('record.type')} value={form.draft.type} readOnly onInput={() => undefined} />
        ) : (
          <TypeField form={form} />
        )}
        <TtlField label={t('record.ttl')} value={form.draft.ttl} error={parseTtl(form.draft.ttl) === null ? t('check.ttl') : null} onInput={(v) => form.set({ ttl: v })} />
        <Fields form={form} data={p.data} all />
      </div>
      <Warning form={form} data={p.data} />
      <div class="cols2">
        <Remarks form={form} />
      </div>
      {!p.record && <CheckField label={t('record.overwrite')} hint={t('record.overwriteHint')} checked={form.draft.overwrite} onChange={(v) => form.set({ overwrite: v })} />}
    </Dialog>
  );
}

function NameField({ form, apex, isFixed, autofocus }: { form: Form; apex: string; isFixed: boolean; autofocus: boolean }) {
  const hint = form.draft.type === 'SRV' || form.draft.type === 'TLSA' ? t('record.nameServiceHint', { name: form.owner }) : form.owner === '' ? '.' : form.owner;
  return (
    <TextField
      mono
      wide
      autofocus={autofocus}
      readOnly={isFixed}
      label={t('record.name')}
      placeholder="@"
      value={form.draft.name}
      hint={hint === apex ? t('record.apexHint', { zone: apex === '' ? '.' : apex }) : hint}
      error={form.nameWrong && t(form.nameWrong)}
      onInput={(v) => form.set({ name: v })}
    />
  );
}

function TypeField({ form }: { form: Form }) {
  const id = useId();
  const [text, setText] = useState<string | null>(null);
  const shown = text ?? form.draft.type;
  const typed = shown.trim().toUpperCase();
  const isKnown = RECORD_TYPES.some((r) => r.type === typed && r.canAdd) || /^(TYPE)?\d{1,5}$/.test(typed);
  const choices = addableTypes()
    .filter((r) => text === null || r.type.startsWith(typed))
    .map((r) => ({ value: r.type, hint: t(r.hint) }));
  const take = (v: string): void => {
    setText(null);
    form.setType(v.toUpperCase().replace(/^TYPE/, ''));
  };
  return (
    <div class={`fld ${isKnown ? '' : 'bad'}`}>
      <span class="lab">
        <label for={id}>{t('record.type')}</label>
      </span>
      <Combobox
        inputId={id}
        inputClass="mono"
        label={t('record.type')}
        value={shown}
        choices={choices}
        opensOnFocus
        invalid={!isKnown}
        describedBy={`${id}-h`}
        onInput={(v) => {
          setText(v);
          const up = v.trim().toUpperCase();
          if (RECORD_TYPES.some((r) => r.type === up && r.canAdd) || /^(TYPE)?\d{1,5}$/.test(up)) form.setType(up.replace(/^TYPE/, ''));
        }}
        onChoose={take}
      />
      <span class={isKnown ? 'hint' : 'err'} id={`${id}-h`}>
        {isKnown ? t(recordType(form.draft.type).hint) : t('record.noType')}
      </span>
    </div>
  );
}

function Fields({ form, data, all }: { form: Form; data: ZoneData; all?: boolean }) {
  const isPrimary = data.zone.type === 'Primary';
  return (
    <>
      {form.row.fields
        .filter((f) => !(f.param === 'createPtrZone' && form.draft.values['ptr'] !== 'true'))
        .filter((f) => !(f.param === 'useSerialDateScheme' && !isPrimary))
        .map((f) => (
          <FieldOf key={f.param} f={f} form={form} list={data.list} apex={data.apex} isPanel={all === true} />
        ))}
    </>
  );
}

interface FieldProps {
  f: RecordField;
  form: Form;
  list: readonly ZoneRecord[];
  apex: string;
  isPanel: boolean;
}

function FieldOf({ f, form, isPanel }: FieldProps) {
  const value = form.draft.values[f.param] ?? '';
  const wrong = form.errors[f.param];
  // An empty new field is not an error to point at yet; it only keeps the button off.
  const error = wrong !== undefined && value !== '' ? t(wrong) : null;
  const hint = f.hint ? t(f.hint) : undefined;
  const onInput = (v: string): void => form.setValue(f.param, v);
  const size = f.size === 'full' ? 'full' : f.size === 'wide' && !isPanel ? 'wide' : isPanel && f.size === 'wide' ? 'wide' : '';
  const common = { label: t(f.label), value, error, ...(hint === undefined ? {} : { hint }) };
  const inner = (): preact.ComponentChild => {
    switch (f.kind) {
      case 'area':
        return <AreaField {...common} mono rows={3} onInput={onInput} />;
      case 'select':
        return <SelectField {...common} options={selectOptions(f, value)} onChange={onInput} />;
      case 'bool':
        return <CheckField label={t(f.label)} {...(hint === undefined ? {} : { hint })} checked={value === 'true'} onChange={(v) => onInput(String(v))} />;
      case 'ttl':
        return <TtlField {...common} onInput={onInput} />;
      case 'params':
        return <ParamsField value={value} onInput={onInput} />;
      case 'text':
        return <TextField {...common} mono onInput={onInput} />;
    }
  };
  return <div class={size}>{inner()}</div>;
}

/* A value that the panel does not offer still has to be shown and kept. */
function selectOptions(f: RecordField, value: string) {
  const options = f.options ?? [];
  return [...options, ...(options.includes(value) || value === '' ? [] : [value])].map((o) => ({ value: o, label: o.replaceAll('_', '-') }));
}

const SVC_KEYS = ['alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ipv6hint', 'ech', 'dohpath', 'mandatory'];

function ParamsField({ value, onInput }: { value: string; onInput: (v: string) => void }) {
  const pairs = textToPairs(value);
  const write = (rows: readonly (readonly [string, string])[]): void => onInput(rows.map(([k, v]) => `${k}=${v}`).join('\n'));
  return (
    <fieldset class="params">
      <legend class="fld">{t('record.svcParams')}</legend>
      {pairs.map(([k, v], i) => (
        <div key={i} class="line">
          <TextField mono label={t('record.svcKey')} value={k} suggestions={SVC_KEYS} onInput={(x) => write(pairs.map((p, j) => (j === i ? [x, p[1]] : p)))} />
          <TextField mono label={t('record.value')} value={v} onInput={(x) => write(pairs.map((p, j) => (j === i ? [p[0], x] : p)))} />
          <IconButton icon="x" label={t('record.svcRemove', { key: k })} onClick={() => write(pairs.filter((_, j) => j !== i))} />
        </div>
      ))}
      <div>
        <Button small icon="plus" label={t('record.svcAdd')} onClick={() => write([...pairs, [SVC_KEYS.find((k) => !pairs.some(([x]) => x === k)) ?? 'key', '']])} />
      </div>
    </fieldset>
  );
}

function Remarks({ form }: { form: Form }) {
  if (form.draft.type === 'SOA') return null;
  return (
    <>
      <TextField wide label={t('record.comment')} value={form.draft.comments} onInput={(v) => form.set({ comments: v })} />
      <TtlField
        label={t('record.expiry')}
        hint={t('record.expiryHint')}
        value={form.draft.expiry}
        error={optional(check.ttl)(form.draft.expiry) === null ? null : t('check.ttl')}
        onInput={(v) => form.set({ expiry: v })}
      />
    </>
  );
}

function Warning({ form, data }: { form: Form; data: ZoneData }) {
  const target = form.row.fields.find((f) => f.isName);
  const value = target ? (form.draft.values[target.param] ?? '') : '';
  const isTargetType = ['MX', 'NS', 'SRV', 'CNAME'].includes(form.draft.type);
  const lacks = isTargetType && form.clash === null && lacksAddress(data.list, value, data.apex);
  if (!form.clash && !lacks) return null;
  return (
    <div class="full wide">
      {form.clash && <Notice tone="bad">{t(form.clash)}</Notice>}
      {lacks && <Notice>{t('record.noAddress', { name: value })}</Notice>}
    </div>
  );
}

/** One line for messages: "www A 192.0.2.1". */
export function recordLabel(r: ZoneRecord, apex: string): string {
  return `${relativeName(r.name, apex)} ${r.type} ${recordText(r)}`;
}
