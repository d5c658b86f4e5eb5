// Ctrl K: pages, acts, settings and zones by a few letters.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import { PAGES } from '../pages';
import { closeDialog, go } from '../router';
import { nodeKey, rights } from '../state';
import { setTheme } from '../theme';
import { Dialog } from '../ui/dialog';
import { Icon, type IconName } from '../ui/icons';
import { useId } from '../ui/hooks';
import { loadZones, zoneList } from '../zonestore';
import { settingIndex } from '../screens/settings/index-of-names';
import { mayView } from './shell';

interface Hit {
  id: string;
  icon: IconName;
  label: string;
  hint: string;
  run: () => void;
}

const PER_KIND_MAX = 8;

export function Palette() {
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const id = useId();
  useEffect(() => {
    if (zoneList.value === null && rights('Zones').canView) void loadZones();
  }, [nodeKey.value]);
  const hits = find(text.trim().toLowerCase());
  const at = Math.min(active, hits.length - 1);
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const take = (h: Hit | undefined): void => {
    if (!h) return;
    closeDialog();
    h.run();
  };
  return (
    <Dialog title={t('palette.title')} wide onClose={closeDialog} onSubmit={() => take(hits[at])}>
      <div class="palette">
        <input
          data-autofocus
          role="combobox"
          aria-label={t('palette.open')}
          aria-expanded={hits.length > 0}
          aria-controls={id}
          aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder={t('palette.open')}
          value={text}
          onInput={(e) => {
            setText(e.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={(e) => {
            if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
            e.preventDefault();
            const n = Math.max(1, hits.length);
            setActive((at + (e.key === 'ArrowDown' ? 1 : -1) + n) % n);
          }}
        />
        <div role="listbox" id={id} aria-label={t('palette.results')}>
          {hits.map((h, i) => (
            <div
              key={h.id}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === at}
              class={`item ${i === at ? 'at' : ''}`}
              onClick={() => take(h)}
            >
              <Icon name={h.icon} />
              <span class="grow">{h.label}</span>
              <small>{h.hint}</small>
            </div>
          ))}
        </div>
        {hits.length === 0 && <p class="muted pad">{t('palette.none')}</p>}
      </div>
    </Dialog>
  );
}

function find(text: string): Hit[] {
  return [...pages(), ...acts(), ...settings()]
    .filter((h) => text !== '' || !h.id.startsWith('setting'))
    .filter((h) => matches(h.label, text))
    .sort((a, b) => rank(a.label, text) - rank(b.label, text))
    .slice(0, text === '' ? 20 : PER_KIND_MAX)
    .concat(zoneHits(text))
    .sort((a, b) => rank(a.label, text) - rank(b.label, text));
}

function matches(label: string, text: string): boolean {
  const l = label.toLowerCase();
  return text.split(/\s+/).every((w) => l.includes(w));
}

/* The whole word first, then a beginning, then the rest. */
function rank(label: string, text: string): number {
  const l = label.toLowerCase();
  return text === '' ? 0 : l === text ? 0 : l.startsWith(text) ? 1 : 2;
}

function pages(): Hit[] {
  return PAGES.filter(mayView).map((p) => ({
    id: `page ${p.path}`,
    icon: p.icon,
    label: t(p.title),
    hint: t('palette.page'),
    run: () => go([p.path]),
  }));
}

function acts(): Hit[] {
  const rows: (Hit | false)[] = [
    rights('Zones').canModify && act('addZone', 'plus', t('zones.add'), () => go(['zones'], { dialog: 'add' })),
    rights('Blocked').canModify && act('block', 'block', t('names.blocked.add'), () => go(['blocked'], { dialog: 'add' })),
    rights('Allowed').canModify && act('allow', 'allow', t('names.allowed.add'), () => go(['allowed'], { dialog: 'add' })),
    rights('Administration').canView && act('cluster', 'flow', t('admin.tab.cluster'), () => go(['admin', 'cluster'])),
    rights('Administration').canModify && act('addUser', 'user', t('users.add'), () => go(['admin', 'users'], { dialog: 'add' })),
    act('token', 'key', t('profile.newToken'), () => go(['profile'], { dialog: 'token' })),
    act('dark', 'moon', t('palette.dark'), () => setTheme('dark')),
    act('light', 'sun', t('palette.light'), () => setTheme('light')),
  ];
  return rows.filter((r) => r !== false);
}

function act(id: string, icon: IconName, label: string, run: () => void): Hit {
  return { id: `act ${id}`, icon, label, hint: t('palette.action'), run };
}

function settings(): Hit[] {
  if (!rights('Settings').canView) return [];
  return settingIndex().map((s) => ({
    id: `setting ${s.name}`,
    icon: 'settings',
    label: s.label,
    hint: s.group,
    run: () => go(['settings', s.groupPath], { q: s.label }),
  }));
}

function zoneHits(text: string): Hit[] {
  const out: Hit[] = [];
  if (text === '') return out;
  for (const z of zoneList.value ?? []) {
    const name = z.name === '' ? '.' : z.name;
    if (!name.includes(text) && !(z.nameIdn ?? '').includes(text)) continue;
    out.push({ id: `zone ${name}`, icon: 'zones', label: z.nameIdn ?? name, hint: t('palette.zone'), run: () => go(['zones', name]) });
    if (out.length >= PER_KIND_MAX * 4) break;
  }
  return out.sort((a, b) => rank(a.label, text) - rank(b.label, text)).slice(0, PER_KIND_MAX);
}
