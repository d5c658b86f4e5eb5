// The picture of who gives the config to whom. On phones it is drawn as a list, not shrunk.
import { ago, apiTime, t } from '../../i18n';
import { shortName } from '../../state';
import type { ClusterNode } from '../../types';
import { isNarrow } from '../../ui/hooks';

const SHOWN_MAX = 6; // boxes; the unreachable come first
const BOX = { w: 156, h: 52, gap: 14 };

interface Props {
  nodes: readonly ClusterNode[];
  newest: number | null;
}

export function Topology({ nodes, newest }: Props) {
  const primary = nodes.find((n) => n.type === 'Primary');
  if (!primary) return null;
  const others = nodes.filter((n) => n !== primary);
  const sorted = [...others].sort((a, b) => Number(b.state === 'Unreachable') - Number(a.state === 'Unreachable'));
  const shown = sorted.slice(0, SHOWN_MAX).sort((a, b) => Number(a.state === 'Unreachable') - Number(b.state === 'Unreachable'));
  const rest = others.length - shown.length;
  const label = t('cluster.flowLabel', {
    primary: shortName(primary.name),
    ok: others.filter((n) => n.state !== 'Unreachable').map((n) => shortName(n.name)).join(', ') || t('cluster.noNode'),
    lost: others.filter((n) => n.state === 'Unreachable').map((n) => shortName(n.name)).join(', ') || t('cluster.noNode'),
  });
  const more = rest > 0 ? t('cluster.moreNodes', { n: rest }) : '';
  return isNarrow.value ? <Tall primary={primary} shown={shown} newest={newest} label={label} more={more} /> : <Wide primary={primary} shown={shown} newest={newest} label={label} more={more} />;
}

interface DrawProps {
  primary: ClusterNode;
  shown: readonly ClusterNode[];
  newest: number | null;
  label: string;
  more: string;
}

function stateLine(n: ClusterNode, newest: number | null): string {
  const seen = apiTime(n.lastSeen);
  const synced = apiTime(n.configLastSynced);
  const lag = newest === null || n.config?.seq === undefined ? 0 : newest - n.config.seq;
  if (n.state === 'Unreachable') return seen === null ? t('cluster.state.Unreachable') : t('cluster.lastSeen', { time: ago(seen) });
  if (lag > 0) return t('cluster.behind', { n: lag });
  return synced === null ? t('cluster.inSync') : t('cluster.inSyncSince', { time: ago(synced) });
}

function Node({ n, x, y, w, newest }: { n: ClusterNode; x: number; y: number; w: number; newest: number | null }) {
  const isLost = n.state === 'Unreachable';
  const isPrimary = n.type === 'Primary';
  return (
    <>
      <rect class={isPrimary ? 'p' : isLost ? 'w' : ''} x={x} y={y} width={w} height={BOX.h} rx={8} />
      {!isPrimary && (isLost ? <path class="fwarn" d={`M${x + 16} ${y + 14}l5 5-5 5-5-5z`} /> : <circle class="fok" cx={x + 16} cy={y + 19} r={4} />)}
      <text x={x + w / 2} y={y + 23}>
        {shortName(n.name)}
      </text>
      <text class="s" x={x + w / 2} y={y + 40}>
        {isPrimary ? t('cluster.primary') : stateLine(n, newest)}
      </text>
    </>
  );
}

function Wide({ primary, shown, newest, label, more }: DrawProps) {
  const width = Math.max(520, shown.length * (BOX.w + BOX.gap) + BOX.gap);
  const start = (width - shown.length * BOX.w - (shown.length - 1) * BOX.gap) / 2;
  const at = (i: number): number => start + i * (BOX.w + BOX.gap);
  const mid = width / 2;
  return (
    <svg class="topo" viewBox={`0 0 ${width} ${shown.length === 0 ? 72 : more === '' ? 190 : 212}`} role="img" aria-label={label}>
      {shown.map((n, i) => (
        <path key={n.id} class={n.state === 'Unreachable' ? 'w' : ''} d={`M${mid} 62V92H${at(i) + BOX.w / 2}V128`} />
      ))}
      <Node n={primary} x={mid - 90} y={10} w={180} newest={newest} />
      {shown.map((n, i) => (
        <Node key={n.id} n={n} x={at(i)} y={128} w={BOX.w} newest={newest} />
      ))}
      {more !== '' && (
        <text class="s" x={mid} y={204}>
          {more}
        </text>
      )}
    </svg>
  );
}

function Tall({ primary, shown, newest, label, more }: DrawProps) {
  const step = BOX.h + 12;
  const y = (i: number): number => 76 + i * step;
  return (
    <svg class="topo" viewBox={`0 0 330 ${y(shown.length) + (more === '' ? 0 : 20)}`} role="img" aria-label={label}>
      {shown.map((n, i) => (
        <path key={n.id} class={n.state === 'Unreachable' ? 'w' : ''} d={`M20 62V${y(i) + BOX.h / 2}H44`} />
      ))}
      <Node n={primary} x={8} y={10} w={314} newest={newest} />
      {shown.map((n, i) => (
        <Node key={n.id} n={n} x={44} y={y(i)} w={278} newest={newest} />
      ))}
      {more !== '' && (
        <text class="s" x={165} y={y(shown.length) + 12}>
          {more}
        </text>
      )}
    </svg>
  );
}
