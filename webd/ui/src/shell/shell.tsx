// The frame of every page: top bar, navigation, banner, and the page itself, loaded when needed.
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { online } from '../api';
import { apiTime, longDuration, num, t } from '../i18n';
import { focusFilter, useKeys } from '../keys';
import { findPage, HOME, PAGES, type Page } from '../pages';
import { closeDialog, dialogArg, go, href, openDialog, route, setQuery } from '../router';
import { clusterNodes, info, nodeKey, otherNode, rights, selfNode, session, shortName, shownNode } from '../state';
import { Button, Empty, IconButton, PageHead, Skeleton } from '../ui/basic';
import { QuestionHost } from '../ui/dialog';
import { Icon, Logo } from '../ui/icons';
import { isNarrow } from '../ui/hooks';
import { MenuHost } from '../ui/menu';
import { ToastHost } from '../ui/toast';
import { zoneCount } from '../zonestore';
import { HelpDialog } from './help';
import { NodeSelect } from './nodes';
import { Palette } from './palette';
import { themeMenu, userMenu } from './menus';
import { OfflineBar } from './app';

/** What stands in front of the section in the window's title: the zone, the tab. */
export const pageTitle = signal('');

const isDrawerOpen = signal(false);

export function Shell() {
  const { path } = route.value;
  const page = findPage(path[0]);
  const isAllowed = page !== undefined && mayView(page);
  useEffect(() => {
    isDrawerOpen.value = false;
  }, [path.join('/')]);
  useEffect(() => {
    const node = shownNode.value;
    const parts = [pageTitle.value, page ? t(page.title) : '', node ? shortName(node.name) : '', t('app.name')];
    document.title = parts.filter((s) => s !== '').join(' - ');
  }, [path.join('/'), pageTitle.value, nodeKey.value]);
  useKeys({
    'ctrl k': () => (dialogArg('find') === null ? openDialog('find') : closeDialog()),
    '/': focusFilter,
    '?': () => openDialog('help'),
    ...Object.fromEntries(PAGES.filter(mayView).map((p) => [`g ${p.key}`, () => go([p.path])])),
  });

  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(e) => {
          e.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {t('shell.skip')}
      </a>
      <TopBar page={page} />
      <Navigation current={page} />
      <main id="main" tabIndex={-1}>
        {!online.value && <OfflineBar />}
        {page?.isPerNode(path) && <OtherNodeBanner />}
        {page && isAllowed ? (
          <PageHost key={page.path === 'allowed' || page.path === 'blocked' ? 'names' : page.path} page={page} />
        ) : (
          <>
            <PageHead title={t(page ? page.title : 'shell.noPageTitle')} />
            <Empty title={t(page ? 'shell.noRight' : 'shell.noPage')}>
              <Button label={t('shell.home')} onClick={() => go([HOME])} />
            </Empty>
          </>
        )}
      </main>
      {dialogArg('find') !== null && <Palette />}
      {dialogArg('help') !== null && <HelpDialog />}
      <QuestionHost />
      <MenuHost />
      <ToastHost />
    </div>
  );
}

export function mayView(page: Page): boolean {
  return page.right === null || rights(page.right).canView;
}

/* Chunks stay loaded: the second visit of a section is immediate. */
const loaded = new Map<() => unknown, ComponentType>();

function PageHost({ page }: { page: Page }) {
  const [, redraw] = useState(0);
  const [isBroken, setBroken] = useState(false);
  const Screen = loaded.get(page.load);
  useEffect(() => {
    if (Screen) return;
    page.load().then(
      (m) => {
        loaded.set(page.load, m.default);
        redraw((n) => n + 1);
      },
      () => setBroken(true),
    );
  }, [page]);
  if (isBroken) {
    return (
      <Empty title={t('shell.chunkFailed')} text={t('shell.chunkFailedText')}>
        <Button label={t('shell.reload')} onClick={() => location.reload()} />
      </Empty>
    );
  }
  return Screen ? <Screen /> : <Skeleton lines={8} />;
}

function TopBar({ page }: { page: Page | undefined }) {
  return (
    <header class="top">
      <IconButton
        icon="menu"
        className="menu-btn"
        label={t(isDrawerOpen.value ? 'shell.closeNav' : 'shell.openNav')}
        onClick={() => (isDrawerOpen.value = !isDrawerOpen.value)}
      />
      <a class="brand" href={href([HOME])}>
        <Logo />
        <span>
          {t('app.name')}
          <small>{info.value?.clusterDomain ?? info.value?.dnsServerDomain}</small>
        </span>
      </a>
      {clusterNodes.value.length > 0 && <NodeSelect isUsed={page?.isPerNode(route.value.path) ?? false} />}
      <button type="button" class="search" onClick={() => openDialog('find')}>
        <Icon name="search" />
        <span>{t('palette.open')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div class="sp" />
      <IconButton icon="help" className="hide-s" label={t('shell.help')} onClick={() => openDialog('help')} />
      <IconButton icon="moon" className="hide-s" menu label={t('shell.theme')} onClick={(e) => themeMenu(e.currentTarget)} />
      <UserButton />
    </header>
  );
}

function UserButton() {
  const me = userNames();
  return (
    <button
      type="button"
      class="iconbtn"
      aria-haspopup="menu"
      aria-label={t('shell.userMenu', me)}
      title={me.name}
      onClick={(e) => userMenu(e.currentTarget)}
    >
      <span class="avatar">{me.initials}</span>
    </button>
  );
}

function userNames(): { name: string; initials: string } {
  const name = session.value?.displayName ?? session.value?.username ?? '';
  const words = name.split(/[\s._-]+/).filter((w) => w !== '');
  const initials = words.length > 1 ? `${words[0]?.[0] ?? ''}${words.at(-1)?.[0] ?? ''}` : name.slice(0, 2);
  return { name, initials: initials.toUpperCase() };
}

function Navigation({ current }: { current: Page | undefined }) {
  const visible = PAGES.filter((p) => p.group !== 'nav.hidden' && mayView(p));
  const up = apiTime(info.value?.uptimestamp);
  let group: string | null = null;
  return (
    <>
      {isDrawerOpen.value && isNarrow.value && <div class="veil" onClick={() => (isDrawerOpen.value = false)} />}
      <nav class={`nav ${isDrawerOpen.value ? 'open' : ''}`} aria-label={t('shell.nav')}>
        <div>
          {visible.map((p) => {
            const head = p.group !== group ? p.group : null;
            group = p.group;
            const count = p.path === 'zones' ? zoneCount.value : null;
            return (
              <>
                {head && <h3 key={head}>{t(head)}</h3>}
                <a key={p.path} href={href([p.path])} title={t(p.title)} aria-current={p === current ? 'page' : undefined}>
                  <Icon name={p.icon} />
                  <span class="txt">{t(p.title)}</span>
                  {count !== null && <span class="cnt">{num(count)}</span>}
                </a>
              </>
            );
          })}
          <div class="foot">
            {selfNode.value?.name ?? info.value?.dnsServerDomain}
            <br />
            {up !== null && t('shell.up', { time: longDuration((Date.now() - up) / 1000) })}
          </div>
        </div>
      </nav>
    </>
  );
}

/** Reminds that the page shows another node than the one that the browser talks to. */
function OtherNodeBanner() {
  const other = otherNode.value;
  const wanted = route.value.query['node'];
  if (!other && wanted !== undefined && clusterNodes.value.length > 0 && selfNode.value && selfNode.value.name !== wanted && shortName(selfNode.value.name) !== wanted) {
    return (
      <div class="banner" role="status">
        <Icon name="warn" />
        <span class="grow">{t('shell.unknownNode', { name: wanted })}</span>
        <Button small label={t('shell.backHere')} onClick={() => setQuery({ node: null })} />
      </div>
    );
  }
  if (!other) return null;
  return (
    <div class="banner" role="status">
      <Icon name="flow" />
      <span class="grow">{t('shell.otherNode', { node: other.name, self: selfNode.value?.name ?? '' })}</span>
      <Button small label={t('shell.backHere')} onClick={() => setQuery({ node: null })} />
    </div>
  );
}
