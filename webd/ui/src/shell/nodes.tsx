// The node selector of the top bar: which node's zones, settings and sessions the pages show.
import { useRef, useState } from 'preact/hooks';
import { ago, apiTime, t, word } from '../i18n';
import { setQuery } from '../router';
import { clusterNodes, nodeKey, refreshSession, shownNode } from '../state';
import type { ClusterNode, NodeState } from '../types';
import { Dot } from '../ui/basic';
import { useId } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { place } from '../ui/menu';

export const STATE_TONE: Readonly<Record<NodeState, 'ok' | 'warn' | ''>> = {
  Self: 'ok',
  Connected: 'ok',
  Unreachable: 'warn',
  Unknown: '',
};

export function NodeSelect({ isUsed }: { isUsed: boolean }) {
  const button = useRef<HTMLButtonElement>(null);
  const pop = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const node = shownNode.value;
  return (
    <>
      <button
        ref={button}
        type="button"
        class="node"
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        disabled={!isUsed}
        title={isUsed ? t('node.choose') : t('node.allHint')}
        onClick={() => {
          if (!pop.current || !button.current) return;
          void refreshSession();
          pop.current.togglePopover();
          place(pop.current, button.current, false);
          setOpen(pop.current.matches(':popover-open'));
        }}
      >
        <span class="vh">{t('node.label')}</span>
        {isUsed && node && <Dot tone={STATE_TONE[node.state]} />}
        <span class="grow">
          {isUsed && node ? node.name : t('node.all')}{' '}
          {isUsed && node && <span class="lbl">{word('nodeType', node.type)}</span>}
        </span>
        {isUsed && <Icon name="down" />}
      </button>
      <div
        ref={pop}
        popover="auto"
        class="menu nodes"
        role="dialog"
        aria-label={t('node.choose')}
        onToggle={(e) => setOpen(e.newState === 'open')}
      >
        {isOpen && (
          <Choices
            close={() => {
              pop.current?.hidePopover();
              button.current?.focus();
            }}
          />
        )}
      </div>
    </>
  );
}

function Choices({ close }: { close: () => void }) {
  const id = useId();
  const [text, setText] = useState('');
  const nodes = clusterNodes.value.filter((n) => n.name.includes(text.trim().toLowerCase()));
  const [active, setActive] = useState(Math.max(0, nodes.findIndex((n) => n === shownNode.value)));
  const at = Math.min(active, nodes.length - 1);
  const take = (n: ClusterNode | undefined): void => {
    if (!n) return;
    setQuery({ node: n.state === 'Self' ? null : n.name }, false);
    close();
  };
  return (
    <>
      <input
        role="combobox"
        aria-label={t('node.search')}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        placeholder={t('node.search')}
        value={text}
        ref={(el) => el?.focus()}
        onInput={(e) => {
          setText(e.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') setActive((at + 1) % Math.max(1, nodes.length));
          else if (e.key === 'ArrowUp') setActive((at - 1 + nodes.length) % Math.max(1, nodes.length));
          else if (e.key === 'Enter') take(nodes[at]);
          else return;
          e.preventDefault();
        }}
      />
      <div id={id} role="listbox" aria-label={t('node.choose')}>
        {nodes.map((n, i) => (
          <div
            key={n.id}
            id={`${id}-${i}`}
            class={`item ${i === at ? 'at' : ''}`}
            role="option"
            aria-selected={i === at}
            onClick={() => take(n)}
          >
            <Dot tone={STATE_TONE[n.state]} />
            <span class="grow">
              {n.name}
              <small>{describe(n)}</small>
            </span>
            {(nodeKey.value === n.name || (nodeKey.value === '' && n.state === 'Self')) && <Icon name="check" />}
          </div>
        ))}
      </div>
      {nodes.length === 0 && <p class="muted small pad">{t('node.none')}</p>}
    </>
  );
}

function describe(n: ClusterNode): string {
  const seen = apiTime(n.lastSeen);
  const type = word('nodeType', n.type);
  const state = word('nodeState', n.state);
  if (n.state === 'Unreachable' && seen !== null) return t('node.line.seen', { type, state, time: ago(seen) });
  return t('node.line', { type, state });
}
