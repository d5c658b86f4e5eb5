// The cluster: its nodes with version and lag, the flow of the config, the intervals, and what can
// be done to it. A node that is in no cluster starts here to make or to join one.
import { cluster as api } from '../../api';
import { ago, apiTime, clockTime, dateTime, duration, t } from '../../i18n';
import { dialogArg, href, openDialog, route, setQuery } from '../../router';
import { nodeKey, refreshSession, rights, shortName } from '../../state';
import type { ClusterNode, ClusterState, NodeState } from '../../types';
import { Badge, Button, Card, Empty, Facts, Failure, IconButton, Notice, Problem, Skeleton, type Tone } from '../../ui/basic';
import { useAction, useEvery, useLoad } from '../../ui/hooks';
import type { IconName } from '../../ui/icons';
import { openMenu, type MenuEntry } from '../../ui/menu';
import { AddNodeDialog, InitDialog } from './clusternew';
import { JoinDialog } from './clusterjoin';
import { askDelete, askLeave, askRemove, askResync, EditNodeDialog, EditPrimaryDialog, OptionsDialog } from './clusteredit';
import { Topology } from './topology';

const REFRESH_MS = 5_000;
const SETTLE_MS = 700; // what the primary changes for a secondary comes back to it by a pull

const STATES: Readonly<Record<NodeState, { tone: Tone; icon: IconName | null }>> = {
  Self: { tone: 'info', icon: 'check' },
  Connected: { tone: 'ok', icon: 'check' },
  Unreachable: { tone: 'warn', icon: 'warn' },
  Unknown: { tone: '', icon: null },
};

/** What the dialogs need from the page. */
export interface ClusterPage {
  state: ClusterState;
  nodes: readonly ClusterNode[];
  self: ClusterNode | null;
  changed: (next?: ClusterState) => Promise<void>;
}

export function ClusterTab() {
  const loaded = useLoad(`cluster ${nodeKey.value}`, api.state);
  const act = useAction();
  useEvery(REFRESH_MS, () => void loaded.reload());
  const state = loaded.data;
  if (!state) return loaded.error ? <Failure error={loaded.error} retry={() => void loaded.reload()} /> : <Skeleton lines={8} />;
  const nodes = state.clusterNodes ?? [];
  const page: ClusterPage = {
    state,
    nodes,
    self: nodes.find((n) => n.state === 'Self') ?? null,
    changed: async (next) => {
      if (next) loaded.set(next);
      else await loaded.reload();
      await refreshSession();
      setTimeout(() => void loaded.reload(), SETTLE_MS);
    },
  };
  return (
    <>
      <Problem text={act.error} />
      {state.clusterInitialized ? <Clustered page={page} /> : <Alone />}
      <Dialogs page={page} />
    </>
  );
}

function Dialogs({ page }: { page: ClusterPage }) {
  const edited = dialogArg('node');
  const node = page.nodes.find((n) => String(n.id) === edited);
  const isIn = page.state.clusterInitialized;
  return (
    <>
      {dialogArg('init') !== null && !isIn && <InitDialog page={page} />}
      {(dialogArg('join') !== null || route.value.query['task'] !== undefined) && <JoinDialog page={page} />}
      {dialogArg('token') !== null && isIn && <AddNodeDialog page={page} />}
      {dialogArg('options') !== null && isIn && <OptionsDialog page={page} />}
      {node && (node.state === 'Self' ? <EditNodeDialog page={page} node={node} /> : <EditPrimaryDialog page={page} node={node} />)}
    </>
  );
}

function Alone() {
  const r = rights('Administration');
  const deny = r.canDelete ? null : t('right.modify');
  return (
    <Card>
      <Empty title={t('cluster.alone')} text={t('cluster.aloneText')}>
        <Button kind="primary" label={t('cluster.new')} deny={deny} onClick={() => openDialog('init')} />
        <Button label={t('cluster.join')} deny={deny} onClick={() => openDialog('join')} />
      </Empty>
    </Card>
  );
}

function Clustered({ page }: { page: ClusterPage }) {
  const { state, nodes, self } = page;
  const lost = nodes.filter((n) => n.state === 'Unreachable');
  const changed = apiTime(state.configVersionTime);
  const catalog = state.clusterCatalog ?? `cluster-catalog.${state.clusterDomain ?? ''}`;
  const isPrimary = self?.type === 'Primary';
  const r = rights('Administration');
  const noModify = r.canModify ? null : t('right.modify');
  return (
    <>
      <Warnings nodes={nodes} />
      <Facts
        items={[
          { label: t('cluster.domain'), value: <a class="mono" href={href(['zones', state.clusterDomain ?? ''])}>{state.clusterDomain}</a> },
          { label: t('cluster.nodes'), value: nodes.length, hint: t('cluster.reachable', { up: nodes.length - lost.length, down: lost.length }) },
          {
            label: t('cluster.config'),
            value: state.configVersion ? t('cluster.version', { v: versionText(state.configVersion.epoch, state.configVersion.seq) }) : '–',
            hint: changed === null ? undefined : t('cluster.changed', { time: ago(changed) }),
          },
          { label: t('cluster.catalog'), value: <a class="mono" href={href(['zones', catalog])}>{catalog}</a> },
        ]}
      />
      <Card
        title={t('cluster.nodes')}
        flush
        actions={
          <>
            <Button small icon="settings" label={t('cluster.options')} onClick={() => openDialog('options')} />
            {isPrimary && <Button small kind="primary" icon="plus" label={t('cluster.addNode')} deny={r.canDelete ? null : t('right.modify')} onClick={() => openDialog('token')} />}
            {!isPrimary && <Button small icon="sync" label={t('cluster.resync')} deny={noModify} onClick={() => askResync(page)} />}
            <IconButton small menu icon="more" label={t('cluster.more')} onClick={(e) => openMenu(e.currentTarget, t('cluster.more'), clusterMenu(page))} />
          </>
        }
      >
        <NodeTable page={page} />
      </Card>
      <div class="grid two">
        <Card title={t('cluster.flow')}>
          <Topology nodes={nodes} newest={state.configVersion?.seq ?? null} />
          <p class="muted small center">{t('cluster.flowText')}</p>
        </Card>
        <Card title={t('cluster.intervals')} actions={isPrimary && <Button small kind="ghost" label={t('record.editIt')} deny={noModify} onClick={() => openDialog('options')} />}>
          <dl class="kv">
            {INTERVALS.map(({ key, label, hint }) => (
              <>
                <dt>
                  {t(label)}
                  <small>{t(hint)}</small>
                </dt>
                <dd>{duration(Number(state[key] ?? 0))}</dd>
              </>
            ))}
          </dl>
        </Card>
      </div>
    </>
  );
}

/** The four timers of a cluster. */
export const INTERVALS = [
  { key: 'heartbeatRefreshIntervalSeconds', label: 'cluster.heartbeat', hint: 'cluster.heartbeatHint', min: 10, max: 300 },
  { key: 'heartbeatRetryIntervalSeconds', label: 'cluster.heartbeatRetry', hint: 'cluster.heartbeatRetryHint', min: 10, max: 300 },
  { key: 'configRefreshIntervalSeconds', label: 'cluster.refresh', hint: 'cluster.refreshHint', min: 30, max: 3600 },
  { key: 'configRetryIntervalSeconds', label: 'cluster.retry', hint: 'cluster.retryHint', min: 30, max: 3600 },
] as const;

/** "318", or "2.5" after a promotion. */
export function versionText(epoch: number | undefined, seq: number | undefined): string {
  if (seq === undefined) return '–';
  return epoch !== undefined && epoch > 1 ? `${epoch}.${seq}` : String(seq);
}

function Warnings({ nodes }: { nodes: readonly ClusterNode[] }) {
  return (
    <>
      {nodes
        .filter((n) => n.state === 'Unreachable')
        .map((n) => {
          const seen = apiTime(n.lastSeen);
          return (
            <Notice key={n.id}>
              <b>{seen === null ? t('cluster.lostNever', { name: n.name }) : t('cluster.lost', { name: n.name, time: duration((Date.now() - seen) / 1000) })}</b>{' '}
              {n.config?.seq === undefined ? t('cluster.lostText') : t('cluster.lostVersion', { v: versionText(n.config.epoch, n.config.seq) })}
              {n.lastError && <span class="small muted block">{n.lastError}</span>}
            </Notice>
          );
        })}
      {nodes
        .filter((n) => n.config?.refused)
        .map((n) => (
          <Notice key={n.id} tone="bad">
            <b>{t('cluster.refused', { name: n.name })}</b> {n.config?.refused}
          </Notice>
        ))}
    </>
  );
}

function clusterMenu(page: ClusterPage): MenuEntry[] {
  const noDelete = rights('Administration').canDelete ? null : t('right.delete');
  const history: MenuEntry = { label: t('cluster.history'), icon: 'text', href: href(['admin', 'history']) };
  if (page.self?.type === 'Primary') return [history, 'line', { label: t('cluster.delete'), icon: 'trash', danger: true, deny: noDelete, run: () => askDelete(page) }];
  return [history, 'line', { label: t('cluster.leave'), icon: 'out', danger: true, deny: noDelete, run: () => askLeave(page) }];
}

function nodeMenu(page: ClusterPage, n: ClusterNode): MenuEntry[] {
  const isPrimary = page.self?.type === 'Primary';
  const r = rights('Administration');
  const noModify = r.canModify ? null : t('right.modify');
  const noDelete = r.canDelete ? null : t('right.delete');
  const items: (MenuEntry | false)[] = [
    n.state !== 'Self' && { label: t('cluster.showNode'), icon: 'eye', deny: n.state === 'Unreachable' ? t('nodeState.Unreachable') : null, run: () => setQuery({ node: n.name }, false) },
    n.state === 'Self' && { label: t('cluster.editNode'), icon: 'edit', deny: noModify, run: () => openDialog('node', String(n.id)) },
    !isPrimary && n.type === 'Primary' && { label: t('cluster.editPrimary'), icon: 'edit', deny: noModify, run: () => openDialog('node', String(n.id)) },
    !isPrimary && n.state === 'Self' && { label: t('cluster.resync'), icon: 'sync', deny: noModify, run: () => askResync(page) },
    isPrimary && n.state !== 'Self' && 'line',
    isPrimary && n.state !== 'Self' && { label: t('cluster.remove'), icon: 'trash', danger: true, deny: noDelete, run: () => askRemove(page, n) },
    !isPrimary && n.state === 'Self' && 'line',
    !isPrimary && n.state === 'Self' && { label: t('cluster.leave'), icon: 'out', danger: true, deny: noDelete, run: () => askLeave(page) },
  ];
  return items.filter((i) => i !== false);
}

function NodeTable({ page }: { page: ClusterPage }) {
  return (
    <div class="tblwrap">
      <table class="tbl">
        <thead>
          <tr>
            <th scope="col">{t('cluster.col.node')}</th>
            <th scope="col">{t('cluster.col.addresses')}</th>
            <th scope="col">{t('cluster.col.type')}</th>
            <th scope="col">{t('cluster.col.state')}</th>
            <th scope="col" class="opt">
              {t('cluster.col.up')}
            </th>
            <th scope="col">{t('cluster.col.seen')}</th>
            <th scope="col">{t('cluster.col.synced')}</th>
            <th scope="col" class="r">
              <span class="vh">{t('table.actionsHead')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {page.nodes.map((n) => (
            <NodeRow key={n.id} page={page} n={n} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NodeRow({ page, n }: { page: ClusterPage; n: ClusterNode }) {
  const up = apiTime(n.upSince);
  const seen = apiTime(n.lastSeen);
  const state = STATES[n.state] ?? STATES.Unknown;
  return (
    <tr class={n.state === 'Unreachable' ? 'down' : ''}>
      <td>
        <span class="nm">{n.name}</span>
        <span class="small mono">{n.url}</span>
      </td>
      <td class="mono" data-l={t('cluster.col.addresses')}>
        <span>
          {n.ipAddresses.map((a) => (
            <span key={a} class="block">
              {a}
            </span>
          ))}
        </span>
      </td>
      <td data-l={t('cluster.col.type')}>
        <Badge tone={n.type === 'Primary' ? 'acc' : ''}>{t(n.type === 'Primary' ? 'cluster.primary' : 'cluster.secondary')}</Badge>
      </td>
      <td data-l={t('cluster.col.state')}>
        <Badge tone={state.tone} {...(state.icon === null ? {} : { icon: state.icon })}>
          {t(`cluster.state.${n.state}`)}
        </Badge>
      </td>
      <td class="opt" data-l={t('cluster.col.up')}>
        {up === null ? (
          <span class="muted">–</span>
        ) : (
          <>
            <span class="num">{duration((Date.now() - up) / 1000)}</span>
            <span class="small">{dateTime(up)}</span>
          </>
        )}
      </td>
      <td data-l={t('cluster.col.seen')}>
        {n.state === 'Self' ? (
          <span class="muted">{t('cluster.thisNode')}</span>
        ) : seen === null ? (
          <span class="muted">–</span>
        ) : (
          <>
            <span class="num">{ago(seen)}</span>
            <span class="small">{clockTime(seen)}</span>
          </>
        )}
      </td>
      <td data-l={t('cluster.col.synced')}>
        <Synced n={n} newest={page.state.configVersion} />
      </td>
      <td class="r">
        <IconButton small menu icon="more" label={t('table.actions', { name: n.name })} onClick={(e) => openMenu(e.currentTarget, shortName(n.name), nodeMenu(page, n))} />
      </td>
    </tr>
  );
}

/* The version that the node holds, how far behind that is, and whether its daemons apply it. */
function Synced({ n, newest }: { n: ClusterNode; newest: ClusterState['configVersion'] }) {
  const synced = apiTime(n.configLastSynced);
  const c = n.config;
  const lag = c?.seq === undefined || !newest || (c.epoch ?? newest.epoch) !== newest.epoch ? 0 : Math.max(0, newest.seq - c.seq);
  const version = c?.seq === undefined ? null : t('cluster.versionLow', { v: versionText(c.epoch, c.seq) });
  const isApplying = c?.seq !== undefined && c.dnsdSeq !== undefined && c.dnsdSeq < c.seq;
  const detail = [version, lag > 0 ? t('cluster.behind', { n: lag }) : '', isApplying ? t('cluster.applies', { v: c?.dnsdSeq ?? 0 }) : ''].filter((s) => s !== null && s !== '').join(', ');
  return (
    <>
      {n.type === 'Primary' ? <span class="muted">{t('cluster.source')}</span> : synced === null ? <span class={lag > 0 ? '' : 'muted'}>{lag > 0 ? t('cluster.behind', { n: lag }) : t(n.state === 'Unknown' ? 'nodeState.Unknown' : 'cluster.inSync')}</span> : <span class="num">{ago(synced)}</span>}
      {detail !== '' && <span class="small">{detail}</span>}
    </>
  );
}

