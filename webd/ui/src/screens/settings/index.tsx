// All settings, from the table: groups at the left, a search over all, and one save bar that says
// what will change and for whom.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { settings as api, type Params } from '../../api';
import { hasKey, t, word } from '../../i18n';
import { closeDialog, dialogArg, href, openDialog, route, setGuard, setQuery } from '../../router';
import { pageTitle } from '../../shell/shell';
import { clusterNodes, nodeKey, otherNode, rights, shownNode } from '../../state';
import type { Settings } from '../../types';
import { Badge, Button, Card, Empty, Failure, PageHead, Problem, Seg, Skeleton } from '../../ui/basic';
import { ask, Dialog } from '../../ui/dialog';
import { FilterLine } from '../../ui/filterline';
import { useAction, useLoad } from '../../ui/hooks';
import { toast } from '../../ui/toast';
import { groupLabel, settingLabel } from './index-of-names';
import { SettingField, settingError } from './fields';
import { findSetting, GROUPS, isSame, readValue, SETTINGS, toApi, toForm, type Scope, type Setting } from './table';

type Edits = Readonly<Record<string, string>>;

export default function SettingsScreen() {
  const loaded = useLoad(`settings ${nodeKey.value}`, api.get);
  const group = route.value.path[1];
  useEffect(() => {
    pageTitle.value = '';
    if (loaded.data) void loaded.reload(); // another group is a new look: others may have saved meanwhile
  }, [group]);
  if (loaded.error && !loaded.data) {
    return (
      <>
        <PageHead title={t('nav.settings')} />
        <Failure error={loaded.error} retry={() => void loaded.reload()} />
      </>
    );
  }
  return (
    <>
      <PageHead title={t('nav.settings')} sub={shownNode.value ? t('settings.of', { node: shownNode.value.name }) : undefined} />
      {loaded.data ? <SettingsForm key={nodeKey.value} data={loaded.data} onSaved={loaded.set} /> : <Skeleton lines={10} />}
    </>
  );
}

interface FormProps {
  data: Settings;
  onSaved: (s: Settings) => void;
}

function SettingsForm({ data, onSaved }: FormProps) {
  const [edits, setEdits] = useState<Edits>({});
  const act = useAction();
  const { path, query } = route.value;
  const group = GROUPS.find((g) => g === path[1]) ?? 'general';
  const q = query['q'] ?? '';
  const scope = query['scope'] ?? 'all';
  const onlyChanged = query['changed'] === 'true';
  const isSearch = q.trim() !== '' || onlyChanged;
  const isClustered = clusterNodes.value.length > 0;

  const original = (s: Setting): string => toForm(s, readValue(s, data));
  const changed = SETTINGS.filter((s) => edits[s.name] !== undefined && !isSame(s, edits[s.name] ?? '', original(s)));
  const wrong = changed.filter((s) => settingError(s, edits[s.name] ?? '') !== null);
  useLayoutEffect(() => {
    setGuard(
      changed.length === 0
        ? null
        : (leave) =>
            ask({
              title: t('changes.leave'),
              text: <p>{t('changes.leaveText', { n: changed.length })}</p>,
              action: t('action.discard'),
              run: async () => leave(),
            }),
    );
    return () => setGuard(null);
  });

  const shown = SETTINGS.filter((s) => (isSearch ? matches(s, q) : s.group === group))
    .filter((s) => scope === 'all' || s.scope === scope)
    .filter((s) => !onlyChanged || isOffDefault(s, original(s)));
  const groups = GROUPS.filter((g) => shown.some((s) => s.group === g));

  const save = (): void =>
    void act.run(async () => {
      const next = await api.set(paramsFor(changed, edits, original));
      const moved = movedTo(changed, edits);
      onSaved(next);
      setEdits({});
      closeDialog();
      toast(t('settings.saved', { n: changed.length }));
      if (moved !== null) setTimeout(() => location.assign(moved), MOVE_AFTER_MS);
    });

  return (
    <>
      <div class="setbar">
        <FilterLine label={t('settings.search')} placeholder={t('settings.searchHint')} value={q} keys={{}} onChange={(v) => setQuery({ q: v })} />
        {isClustered && (
          <Seg
            label={t('settings.scope')}
            value={scope}
            options={[
              { value: 'all', label: t('settings.scope.all') },
              { value: 'cluster', label: t('settings.scope.cluster') },
              { value: 'node', label: t('settings.scope.node') },
            ]}
            onChange={(v) => setQuery({ scope: v === 'all' ? null : v })}
          />
        )}
        <Button label={t('settings.onlyChanged')} pressed={onlyChanged} onClick={() => setQuery({ changed: !onlyChanged })} />
      </div>
      <div class="setcols">
        <nav class="setnav" aria-label={t('settings.groups')}>
          {GROUPS.map((g) => (
            <a key={g} href={href(['settings', g], { scope: query['scope'] })} aria-current={!isSearch && g === group ? 'page' : undefined}>
              {groupLabel(g)}
              {changed.some((s) => s.group === g) && <Badge tone="acc">{t('settings.edited')}</Badge>}
            </a>
          ))}
        </nav>
        <div>
          {shown.length === 0 && (
            <Card>
              <Empty title={t('settings.noMatch')}>
                <Button label={t('filter.clear')} onClick={() => setQuery({ q: null, scope: null, changed: null })} />
              </Empty>
            </Card>
          )}
          {groups.map((g) => (
            <Card key={g} title={groupLabel(g)} flush>
              {shown
                .filter((s) => s.group === g)
                .map((s) => (
                  <Row
                    key={s.name}
                    setting={s}
                    value={edits[s.name] ?? original(s)}
                    isChanged={changed.includes(s)}
                    isOffDefault={isOffDefault(s, original(s))}
                    showScope={isClustered}
                    onChange={(v) => setEdits((e) => ({ ...e, [s.name]: v }))}
                  />
                ))}
            </Card>
          ))}
        </div>
      </div>
      {changed.length > 0 && (
        <div class="pend" role="region" aria-label={t('changes.region')}>
          <b>{t('changes.count', { n: changed.length })}</b>
          <span class="muted grow">{act.error ?? describe(changed)}</span>
          <Button small kind="ghost" label={t('action.discard')} onClick={() => setEdits({})} />
          <Button small label={t('settings.review')} onClick={() => openDialog('review')} />
          <Button
            small
            kind="primary"
            label={t('action.save')}
            busy={act.isBusy}
            deny={!rights('Settings').canModify ? t('right.modify') : wrong.length > 0 ? t('settings.wrong', { name: settingLabel(wrong[0]?.name ?? '') }) : null}
            onClick={save}
          />
        </div>
      )}
      {dialogArg('review') !== null && changed.length > 0 && (
        <Review list={changed} edits={edits} original={original} error={act.error} isBusy={act.isBusy} isWrong={wrong.length > 0} onRevert={(name) => setEdits((e) => Object.fromEntries(Object.entries(e).filter(([k]) => k !== name)))} onSave={save} />
      )}
    </>
  );
}

const MOVE_AFTER_MS = 1_500; // the server opens the new port after it has answered

function matches(s: Setting, q: string): boolean {
  const all = `${s.name} ${settingLabel(s.name)} ${hintOf(s)} ${groupLabel(s.group)}`.toLowerCase();
  return q.toLowerCase().split(/\s+/).every((w) => all.includes(w));
}

function hintOf(s: Setting): string {
  const key = `setting.${s.name}.hint`;
  return hasKey(key) ? t(key) : '';
}

function isOffDefault(s: Setting, form: string): boolean {
  return s.initial !== undefined && !isSame(s, form, toForm(s, s.initial));
}

/* The changed values, with those that the API reads only together. */
function paramsFor(changed: readonly Setting[], edits: Edits, original: (s: Setting) => string): Params {
  const names = new Set(changed.flatMap((s) => [s.name, ...(s.withAlso ?? [])]));
  const out: Params = {};
  for (const name of names) {
    const s = findSetting(name);
    if (s) out[name] = toApi(s, edits[name] ?? original(s));
  }
  return out;
}

/* Where the panel is found after its own port has changed; null when it stays. */
function movedTo(changed: readonly Setting[], edits: Edits): string | null {
  const name = location.protocol === 'https:' ? 'webServiceTlsPort' : 'webServiceHttpPort';
  if (otherNode.value || !changed.some((s) => s.name === name)) return null;
  const url = new URL(location.href);
  url.port = edits[name] ?? url.port;
  return url.href;
}

function describe(changed: readonly Setting[]): string {
  const shared = changed.filter((s) => s.scope === 'cluster').length;
  const own = changed.length - shared;
  if (clusterNodes.value.length === 0) return changed.slice(0, 3).map((s) => settingLabel(s.name)).join(', ');
  if (own === 0) return t('settings.forAll');
  if (shared === 0) return t('settings.forOne', { node: shownNode.value?.name ?? '' });
  return t('settings.forBoth', { shared, own, node: shownNode.value?.name ?? '' });
}

interface RowProps {
  setting: Setting;
  value: string;
  isChanged: boolean;
  isOffDefault: boolean;
  showScope: boolean;
  onChange: (v: string) => void;
}

function Row({ setting: s, value, isChanged, isOffDefault: off, showScope, onChange }: RowProps) {
  const hint = hintOf(s);
  return (
    <div class={`setting ${isChanged ? 'changed' : ''} ${s.kind.is === 'keys' || s.kind.is === 'limits' ? 'tall' : ''}`} data-setting={s.name}>
      <div>
        <h3>
          {settingLabel(s.name)}
          {showScope && <ScopeBadge scope={s.scope} />}
          {off && <Badge tone="info">{t('settings.notDefault')}</Badge>}
        </h3>
        {hint !== '' && <p>{hint}</p>}
        {off && <p>{t('settings.default', { value: shortValue(s, toForm(s, s.initial)) })}</p>}
      </div>
      <SettingField setting={s} value={value} error={isChanged ? settingError(s, value) : null} onChange={onChange} />
    </div>
  );
}

function ScopeBadge({ scope }: { scope: Scope }) {
  return <Badge tone={scope === 'cluster' ? 'acc' : ''}>{t(`settings.scope.${scope}`)}</Badge>;
}

/** A value in a few words, for lists of changes. */
function shortValue(s: Setting, form: string): string {
  if (s.kind.is === 'bool') return t(form === 'true' ? 'settings.on' : 'settings.off');
  if (s.kind.is === 'choice') return word(`choice.${s.name}`, form);
  if (s.kind.is === 'text' && s.kind.isSecret) return form === '' ? t('settings.nothing') : '••••';
  if (s.kind.is === 'keys') return (JSON.parse(form) as { keyName: string }[]).map((k) => k.keyName).join(', ') || t('settings.nothing');
  if (s.kind.is === 'limits') return (JSON.parse(form) as { prefix: number; udpLimit: number; tcpLimit: number }[]).map((r) => `/${r.prefix}: ${r.udpLimit} UDP, ${r.tcpLimit} TCP`).join('; ') || t('settings.nothing');
  return form.replaceAll('\n', ', ') || t('settings.nothing');
}

interface ReviewProps {
  list: readonly Setting[];
  edits: Edits;
  original: (s: Setting) => string;
  error: string | null;
  isBusy: boolean;
  isWrong: boolean;
  onRevert: (name: string) => void;
  onSave: () => void;
}

function Review({ list, edits, original, error, isBusy, isWrong, onRevert, onSave }: ReviewProps) {
  return (
    <Dialog
      wide
      title={t('changes.count', { n: list.length })}
      onClose={closeDialog}
      onSubmit={onSave}
      footer={
        <>
          <Button label={t('action.close')} onClick={closeDialog} />
          <Button submit kind="primary" label={t('action.save')} busy={isBusy} deny={isWrong ? t('field.incomplete') : !rights('Settings').canModify ? t('right.modify') : null} />
        </>
      }
    >
      <Problem text={error} />
      <div class="changes">
        {list.map((s) => (
          <div key={s.name}>
            <span>
              <b>{settingLabel(s.name)}</b> {clusterNodes.value.length > 0 && <ScopeBadge scope={s.scope} />}
            </span>
            <span class="row">
              <span class="grow">
                <del>{shortValue(s, original(s))}</del> <ins>{shortValue(s, edits[s.name] ?? '')}</ins>
              </span>
              <Button small kind="ghost" label={t('settings.revert')} onClick={() => onRevert(s.name)} />
            </span>
          </div>
        ))}
      </div>
    </Dialog>
  );
}

