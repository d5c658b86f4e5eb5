// The form field of a setting, by the kind of its row.
import { t, word } from '../../i18n';
import { check, checkList } from '../../validate';
import { Button, IconButton } from '../../ui/basic';
import { CheckField, ListField, SelectField, TextField, TtlField } from '../../ui/field';
import { settingLabel } from './index-of-names';
import type { KeyRow, LimitRow, Setting } from './table';

interface Props {
  setting: Setting;
  value: string;
  error: string | null;
  onChange: (v: string) => void;
}

const MASK = '************'; // the server's stand-in for a stored secret

/** What is wrong with a value, in words; null when it may be saved. */
export function settingError(s: Setting, value: string): string | null {
  const k = s.kind;
  switch (k.is) {
    case 'text': {
      const wrong = k.check?.(value) ?? null;
      return wrong && t(wrong);
    }
    case 'ttl':
      return check.ttl(value) === null ? null : t('check.ttl');
    case 'list': {
      const bad = checkList(value, k.check);
      return bad && t('field.badLine', { entry: bad.entry, why: t(bad.wrong) });
    }
    case 'limits':
      return (JSON.parse(value) as LimitRow[]).every((r) => [r.prefix, r.udpLimit, r.tcpLimit].every((n) => Number.isInteger(n) && n >= 0)) ? null : t('check.number');
    case 'keys': {
      const rows = JSON.parse(value) as KeyRow[];
      if (rows.some((r) => check.name(r.keyName) !== null)) return t('settings.keyName');
      return new Set(rows.map((r) => r.keyName.toLowerCase())).size === rows.length ? null : t('settings.keyTwice');
    }
    default:
      return null;
  }
}

export function SettingField({ setting: s, value, error, onChange }: Props) {
  const label = settingLabel(s.name);
  const k = s.kind;
  switch (k.is) {
    case 'bool':
      return <CheckField label={value === 'true' ? t('settings.on') : t('settings.off')} aria={label} checked={value === 'true'} onChange={(v) => onChange(String(v))} />;
    case 'choice':
      return <SelectField label={label} value={value} options={k.options.map((o) => ({ value: o, label: word(`choice.${s.name}`, o) }))} onChange={onChange} />;
    case 'ttl':
      return <TtlField label={label} value={value} error={error} onInput={onChange} />;
    case 'list':
      return <ListField label={label} value={value} check={k.check} onInput={onChange} />;
    case 'text':
      return (
        <TextField
          label={label}
          value={k.isSecret && value === MASK ? '' : value}
          {...(k.isSecret ? { type: 'password' as const, autocomplete: 'new-password', placeholder: value === MASK ? t('settings.stored') : '' } : {})}
          {...(k.unit === undefined ? {} : { unit: k.unit })}
          error={error}
          onInput={onChange}
        />
      );
    case 'limits':
      return <Limits rows={JSON.parse(value) as LimitRow[]} error={error} onChange={(r) => onChange(JSON.stringify(r))} />;
    case 'keys':
      return <Keys rows={JSON.parse(value) as KeyRow[]} error={error} onChange={(r) => onChange(JSON.stringify(r))} />;
  }
}

function Limits({ rows, error, onChange }: { rows: LimitRow[]; error: string | null; onChange: (r: LimitRow[]) => void }) {
  const set = (at: number, key: keyof LimitRow, v: string): void => onChange(rows.map((r, i) => (i === at ? { ...r, [key]: /^\d+$/.test(v) ? Number(v) : -1 } : r)));
  const show = (n: number): string => (n < 0 ? '' : String(n));
  return (
    <div class="rowsed" style={{ '--tracks': 'repeat(3, minmax(0, 1fr))' }}>
      {rows.map((r, i) => (
        <div key={i} class="line">
          <TextField mono inputMode="numeric" label={t('settings.prefix')} value={show(r.prefix)} onInput={(v) => set(i, 'prefix', v)} />
          <TextField mono inputMode="numeric" label={t('settings.udpLimit')} value={show(r.udpLimit)} onInput={(v) => set(i, 'udpLimit', v)} />
          <TextField mono inputMode="numeric" label={t('settings.tcpLimit')} value={show(r.tcpLimit)} onInput={(v) => set(i, 'tcpLimit', v)} />
          <IconButton icon="x" label={t('settings.removeRow', { name: `/${r.prefix}` })} onClick={() => onChange(rows.filter((_, j) => j !== i))} />
        </div>
      ))}
      {error && <span class="err">{error}</span>}
      <div>
        <Button small icon="plus" label={t('settings.addLimit')} onClick={() => onChange([...rows, { prefix: 24, udpLimit: 600, tcpLimit: 600 }])} />
      </div>
    </div>
  );
}

const ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512', 'hmac-sha224', 'hmac-sha1', 'hmac-md5.sig-alg.reg.int', 'hmac-sha256-128', 'hmac-sha384-192', 'hmac-sha512-256'];

function Keys({ rows, error, onChange }: { rows: KeyRow[]; error: string | null; onChange: (r: KeyRow[]) => void }) {
  const set = (at: number, change: Partial<KeyRow>): void => onChange(rows.map((r, i) => (i === at ? { ...r, ...change } : r)));
  return (
    <div class="rowsed" style={{ '--tracks': 'minmax(0, 1fr) minmax(0, 1.2fr) 140px' }}>
      {rows.map((r, i) => (
        <div key={i} class="line">
          <TextField mono label={t('settings.tsigName')} value={r.keyName} onInput={(v) => set(i, { keyName: v })} />
          <TextField mono type="password" autocomplete="new-password" label={t('settings.tsigSecret')} placeholder={t('settings.tsigGenerate')} value={r.sharedSecret} onInput={(v) => set(i, { sharedSecret: v })} />
          <SelectField label={t('settings.tsigAlgorithm')} value={r.algorithmName} options={[...new Set([...ALGORITHMS, r.algorithmName])].map((a) => ({ value: a, label: a }))} onChange={(v) => set(i, { algorithmName: v })} />
          <IconButton icon="x" label={t('settings.removeRow', { name: r.keyName })} onClick={() => onChange(rows.filter((_, j) => j !== i))} />
        </div>
      ))}
      {error && <span class="err">{error}</span>}
      <div>
        <Button small icon="plus" label={t('settings.addKey')} onClick={() => onChange([...rows, { keyName: '', sharedSecret: '', algorithmName: 'hmac-sha256' }])} />
      </div>
    </div>
  );
}
