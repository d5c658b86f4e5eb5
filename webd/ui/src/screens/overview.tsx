// The home page: is the server well, how many zones, how is the cluster, and the usual next step.
import { useEffect } from 'preact/hooks';
import { cluster, zones } from '../api';
import { ago, apiTime, dateTime, longDuration, num, t, word } from '../i18n';
import { go, href } from '../router';
import { clusterNodes, info, nodeKey, otherNode, rights, selfNode, session, shortName } from '../state';
import type { Zone } from '../types';
import { Badge, Button, Card, Dot, Empty, Failure, Notice, PageHead, Skeleton } from '../ui/basic';
import { useEvery, useLoad } from '../ui/hooks';
import { noteZoneCount } from '../zonestore';
import { STATE_TONE } from '../shell/nodes';
import { STATUSES, statusOf, zoneName, zoneTitle, StatusBadge } from './zones/status';

const SAMPLE_MAX = 1_000; // zones that are looked through for trouble; more are only counted
const REFRESH_MS = 30_000;

export default function Overview() {
  return (
    <>
      <PageHead title={t('nav.overview')} sub={session.value && t('overview.hello', { name: session.value.displayName ?? session.value.username })} />
      <Trouble />
      <div class="grid three">
        <ServerCard />
        {rights('Zones').canView && <ZonesCard />}
        {rights('Administration').canView && <ClusterCard />}
      </div>
      <Actions />
    </>
  );
}

function Trouble() {
  const lost = clusterNodes.value.filter((n) => n.state === 'Unreachable');
  if (lost.length === 0) return null;
  return (
    <Notice action={<Button small label={t('overview.showCluster')} onClick={() => go(['admin', 'cluster'])} />}>
      {t('overview.unreachable', { names: lost.map((n) => n.name).join(', '), n: lost.length })}
    </Notice>
  );
}

function ServerCard() {
  const i = info.value;
  const node = otherNode.value;
  const up = apiTime(node ? node.upSince : i?.uptimestamp);
  return (
    <Card title={t('overview.server')}>
      <dl class="kv">
        <dt>{t('overview.name')}</dt>
        <dd class="mono">{node?.name ?? i?.dnsServerDomain}</dd>
        <dt>{t('overview.version')}</dt>
        <dd>{node?.productVersion ?? i?.version}</dd>
        <dt>{t('overview.up')}</dt>
        <dd title={up === null ? undefined : dateTime(up)}>{up === null ? '–' : longDuration((Date.now() - up) / 1000)}</dd>
        <dt>{t('overview.role')}</dt>
        <dd>{clusterNodes.value.length === 0 ? t('overview.alone') : word('nodeType', (node ?? selfNode.value)?.type ?? '')}</dd>
      </dl>
    </Card>
  );
}

function ZonesCard() {
  const loaded = useLoad(`overview ${nodeKey.value}`, () => zones.page(1, SAMPLE_MAX));
  useEvery(REFRESH_MS, () => void loaded.reload());
  const total = loaded.data?.totalZones ?? loaded.data?.zones.length ?? 0;
  useEffect(() => {
    if (loaded.data) noteZoneCount(total);
  }, [loaded.data]);
  const list = loaded.data?.zones ?? [];
  const bad = list.filter((z) => !['Enabled', 'Disabled'].includes(statusOf(z)));
  return (
    <Card title={t('nav.zones')} actions={<a href={href(['zones'])}>{t('overview.all')}</a>}>
      {loaded.error && !loaded.data ? (
        <Failure error={loaded.error} retry={() => void loaded.reload()} />
      ) : !loaded.data ? (
        <Skeleton lines={3} />
      ) : total === 0 ? (
        <Empty title={t('zones.empty')} />
      ) : (
        <>
          <p class="big">{num(total)}</p>
          {total <= SAMPLE_MAX && (
            <div class="row">
              {STATUSES.map((s) => ({ s, n: list.filter((z) => statusOf(z) === s).length }))
                .filter((x) => x.n > 0)
                .map(({ s, n }) => (
                  <a key={s} href={href(['zones'], { q: `status:${s}` })}>
                    <Badge tone={s === 'Enabled' ? 'ok' : s === 'Disabled' ? '' : 'warn'}>
                      {num(n)} {word('zoneStatus', s)}
                    </Badge>
                  </a>
                ))}
            </div>
          )}
          <BadZones list={bad} />
        </>
      )}
    </Card>
  );
}

function BadZones({ list }: { list: readonly Zone[] }) {
  const SHOWN = 4;
  return (
    <div class="nodelist">
      {list.slice(0, SHOWN).map((z) => (
        <a key={zoneName(z)} class="noderow" href={href(['zones', zoneName(z)])}>
          <span class="grow nm">{zoneTitle(z)}</span>
          <StatusBadge zone={z} />
        </a>
      ))}
    </div>
  );
}

function ClusterCard() {
  const loaded = useLoad(`state ${nodeKey.value}`, cluster.state);
  useEvery(REFRESH_MS, () => void loaded.reload());
  const s = loaded.data;
  return (
    <Card title={t('overview.cluster')} actions={<a href={href(['admin', 'cluster'])}>{t('overview.manage')}</a>}>
      {loaded.error && !s ? (
        <Failure error={loaded.error} retry={() => void loaded.reload()} />
      ) : !s ? (
        <Skeleton lines={3} />
      ) : !s.clusterInitialized ? (
        <div class="stack">
          <p class="muted">{t('overview.noCluster')}</p>
          <div class="row">
            <Button small kind="primary" label={t('cluster.new')} onClick={() => go(['admin', 'cluster'], { dialog: 'init' })} />
            <Button small label={t('cluster.join')} onClick={() => go(['admin', 'cluster'], { dialog: 'join' })} />
          </div>
        </div>
      ) : (
        <div class="nodelist">
          {(s.clusterNodes ?? []).map((n) => {
            const seen = apiTime(n.lastSeen);
            return (
              <div key={n.id} class="noderow">
                <Dot tone={STATE_TONE[n.state]} />
                <span class="grow">
                  <span class="nm">{shortName(n.name)}</span> <span class="muted small">{word('nodeType', n.type)}</span>
                </span>
                <span class="small muted">{n.state === 'Unreachable' && seen !== null ? t('cluster.seen', { time: ago(seen) }) : word('nodeState', n.state)}</span>
              </div>
            );
          })}
        </div>
      )}
    </Card>
  );
}

function Actions() {
  const z = rights('Zones').canModify;
  const b = rights('Blocked').canModify;
  const a = rights('Administration').canModify;
  const isPrimary = selfNode.value?.type === 'Primary';
  if (!z && !b && !a) return null;
  return (
    <Card title={t('overview.actions')}>
      <div class="acts2">
        {z && <Button icon="plus" label={t('zones.add')} onClick={() => go(['zones'], { dialog: 'add' })} />}
        {z && <Button icon="upload" label={t('zones.importFile')} onClick={() => go(['zones'], { dialog: 'add:import' })} />}
        {b && <Button icon="block" label={t('names.blocked.add')} onClick={() => go(['blocked'], { dialog: 'add' })} />}
        {a && isPrimary && <Button icon="flow" label={t('cluster.addNode')} onClick={() => go(['admin', 'cluster'], { dialog: 'token' })} />}
        {a && <Button icon="user" label={t('users.add')} onClick={() => go(['admin', 'users'], { dialog: 'add' })} />}
      </div>
    </Card>
  );
}
