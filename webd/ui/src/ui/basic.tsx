// Small pieces: buttons, badges, notices, tabs, states of loading.
import type { ComponentChildren } from 'preact';
import { t } from '../i18n';
import { href, type Query } from '../router';
import type { ApiError } from '../api';
import { Icon, type IconName } from './icons';
import { errorText } from './hooks';

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'acc' | '';

interface ButtonProps {
  label: string;
  icon?: IconName;
  kind?: 'primary' | 'danger' | 'ghost';
  small?: boolean;
  busy?: boolean;
  deny?: string | null | undefined; // why the reader may not press it
  submit?: boolean;
  pressed?: boolean;
  onClick?: (e: MouseEvent) => void;
}

/** A button with a word. A denied one can be focused, so that its reason can be read. */
export function Button(p: ButtonProps) {
  const off = p.busy === true || (p.deny ?? '') !== '';
  return (
    <button
      type={p.submit ? 'submit' : 'button'}
      class={`btn ${p.kind ?? ''} ${p.small ? 'sm' : ''}`}
      aria-disabled={off || undefined}
      aria-pressed={p.pressed}
      title={p.deny ?? undefined}
      onClick={(e) => {
        if (off) e.preventDefault();
        else p.onClick?.(e);
      }}
    >
      {p.busy ? <span class="spin" aria-hidden="true" /> : p.icon && <Icon name={p.icon} />}
      {p.label}
    </button>
  );
}

interface IconButtonProps {
  label: string;
  icon: IconName;
  small?: boolean;
  className?: string;
  menu?: boolean;
  onClick: (e: MouseEvent & { currentTarget: HTMLButtonElement }) => void;
}

export function IconButton(p: IconButtonProps) {
  return (
    <button
      type="button"
      class={`iconbtn ${p.small ? 'sm' : ''} ${p.className ?? ''}`}
      aria-label={p.label}
      title={p.label}
      aria-haspopup={p.menu ? 'menu' : undefined}
      onClick={p.onClick}
    >
      <Icon name={p.icon} />
    </button>
  );
}

export function Badge({ tone = '', icon, children }: { tone?: Tone; icon?: IconName; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

export function Dot({ tone }: { tone: 'ok' | 'warn' | 'bad' | '' }) {
  return <i class={`dot ${tone}`} aria-hidden="true" />;
}

interface NoticeProps {
  tone?: 'warn' | 'bad' | 'info' | 'ok';
  children: ComponentChildren;
  action?: ComponentChildren;
}

export function Notice({ tone = 'warn', children, action }: NoticeProps) {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={tone === 'ok' ? 'check' : tone === 'info' ? 'about' : 'warn'} />
      <div class="grow">{children}</div>
      {action}
    </div>
  );
}

/** A failed action, where it happened. */
export function Problem({ text }: { text: string | null }) {
  return text === null ? null : <Notice tone="bad">{text}</Notice>;
}

/** A page or card whose data could not be loaded. */
export function Failure({ error, retry }: { error: ApiError; retry: () => void }) {
  return (
    <Notice tone="bad" action={<Button small label={t('action.retry')} onClick={retry} />}>
      {errorText(error)}
    </Notice>
  );
}

/** Grey lines in the place of what comes; seen only when it takes longer than 300 ms. */
export function Skeleton({ lines = 5 }: { lines?: number }) {
  return (
    <div class="skeleton" role="status" aria-label={t('state.loading')}>
      {Array.from({ length: lines }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  );
}

interface EmptyProps {
  title: string;
  text?: string;
  children?: ComponentChildren;
}

export function Empty({ title, text, children }: EmptyProps) {
  return (
    <div class="empty">
      <b>{title}</b>
      {text && <p>{text}</p>}
      {children && <div class="row">{children}</div>}
    </div>
  );
}

interface CardProps {
  title?: ComponentChildren;
  actions?: ComponentChildren;
  className?: string;
  flush?: boolean;
  children: ComponentChildren;
}

export function Card({ title, actions, className = '', flush, children }: CardProps) {
  return (
    <section class={`card ${className}`}>
      {title !== undefined && (
        <header>
          <h2>{title}</h2>
          <span class="sp" />
          {actions}
        </header>
      )}
      {flush ? children : <div class="body">{children}</div>}
    </section>
  );
}

interface PageHeadProps {
  title: ComponentChildren;
  crumb?: { label: string; path: string[] };
  badges?: ComponentChildren;
  sub?: ComponentChildren;
  children?: ComponentChildren;
}

export function PageHead({ title, crumb, badges, sub, children }: PageHeadProps) {
  return (
    <>
      {crumb && (
        <nav class="crumb" aria-label={t('shell.breadcrumb')}>
          <a href={href(crumb.path)}>{crumb.label}</a>
          <span aria-hidden="true">/</span>
          <span aria-current="page">{title}</span>
        </nav>
      )}
      <div class="head">
        <h1>{title}</h1>
        {badges}
        {sub && <span class="sub num">{sub}</span>}
        <span class="sp" />
        {children && <div class="headacts">{children}</div>}
      </div>
    </>
  );
}

export interface Tab {
  key: string;
  label: string;
  path: string[];
  query?: Query;
  count?: number;
}

/** Tabs are links: each has an address of its own. */
export function Tabs({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.key} href={href(tab.path, tab.query)} aria-current={tab.key === current ? 'page' : undefined}>
          {tab.label}
        </a>
      ))}
    </nav>
  );
}

interface SegProps<V extends string> {
  label: string;
  value: V;
  options: readonly { value: V; label: string }[];
  onChange: (v: V) => void;
}

export function Seg<V extends string>({ label, value, options, onChange }: SegProps<V>) {
  return (
    <div class="seg" role="group" aria-label={label}>
      {options.map((o) => (
        <button key={o.value} type="button" aria-pressed={o.value === value} onClick={() => onChange(o.value)}>
          {o.label}
        </button>
      ))}
    </div>
  );
}

/** Label and value pairs in one line of boxes. */
export function Facts({ items }: { items: readonly { label: string; value: ComponentChildren; hint?: ComponentChildren }[] }) {
  return (
    <dl class="card facts">
      {items.map((f) => (
        <div key={f.label}>
          <dt>{f.label}</dt>
          <dd>
            {f.value} {f.hint !== undefined && <span class="small muted">{f.hint}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Kbd({ keys }: { keys: string }) {
  return (
    <>
      {keys.split(' ').map((k) => (
        <kbd key={k}>{k}</kbd>
      ))}
    </>
  );
}
