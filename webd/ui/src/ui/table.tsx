// The table for many rows: only those in sight are in the page. It scrolls with the window; rows
// have one height, but for the one that may be open for editing. Beyond the height that browsers
// can lay out, the scroll position is scaled.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { num, t } from '../i18n';
import { density, hiddenColumns, setHiddenColumns } from '../prefs';
import { isNarrow } from './hooks';
import { IconButton } from './basic';
import { Icon } from './icons';
import { openMenu, type MenuEntry } from './menu';

export interface Column<R> {
  key: string;
  title: string;
  width: string; // a grid track
  cell: (row: R) => ComponentChildren;
  compare?: (a: R, b: R) => number;
  sortKey?: (row: R) => string; // in place of `compare`, made once a row: for long lists
  isOptional?: boolean; // left out below 1181 px, and may be hidden
  phone?: 'title' | 'line' | 'inline' | 'none'; // place in a stacked row
}

export interface Selection {
  keys: ReadonlySet<string>;
  onChange: (keys: ReadonlySet<string>) => void;
}

interface Props<R> {
  id: string; // for stored column choices
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  rowLabel: (row: R) => string;
  rowClass?: (row: R) => string;
  sort?: string; // "name" or "-name"
  onSort?: (sort: string) => void;
  selection?: Selection | undefined;
  menu?: (row: R) => readonly MenuEntry[];
  onOpen?: (row: R) => void;
  onKey?: (key: string, row: R) => void; // single letters on the focused row
  editKey?: string | null;
  editor?: (row: R) => ComponentChildren;
  phoneHeight?: number; // px of a stacked row
}

const ROW_PX = { comfortable: 36, compact: 28 } as const;
const OVERSCAN = 12; // rows above and below what is seen
const LAYOUT_MAX_PX = 15_000_000; // Firefox stops at about 17 million
const TOP_BAR_PX = 56;

/** Sorts by "key" or "-key"; rows that compare equal keep their order. */
export function sortRows<R>(rows: readonly R[], columns: readonly Column<R>[], sort: string): readonly R[] {
  const isDown = sort.startsWith('-');
  const column = columns.find((c) => c.key === sort.replace(/^-/, ''));
  const sortKey = column?.sortKey;
  if (sortKey) {
    const sign = isDown ? -1 : 1;
    const keyed = rows.map((row) => ({ row, key: sortKey(row) }));
    keyed.sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -sign : sign));
    return keyed.map((k) => k.row);
  }
  const compare = column?.compare;
  if (!compare) return rows;
  return [...rows].sort(isDown ? (a, b) => compare(b, a) : compare);
}

/** The columns that are shown now. */
export function visibleColumns<R>(id: string, columns: readonly Column<R>[]): readonly Column<R>[] {
  const gone = hiddenColumns(id);
  return columns.filter((c) => !gone.includes(c.key));
}

export function ColumnsButton<R>({ id, columns }: { id: string; columns: readonly Column<R>[] }) {
  const gone = hiddenColumns(id);
  const entries = columns
    .filter((c) => c.isOptional)
    .map((c) => ({
      label: c.title,
      checked: !gone.includes(c.key),
      run: () => setHiddenColumns(id, gone.includes(c.key) ? gone.filter((k) => k !== c.key) : [...gone, c.key]),
    }));
  return (
    <button
      type="button"
      class="btn cols"
      aria-haspopup="menu"
      onClick={(e) => openMenu(e.currentTarget, t('table.columns'), entries)}
    >
      <Icon name="columns" />
      {t('table.columns')}
    </button>
  );
}

interface Range {
  first: number;
  last: number;
  shift: number; // px that all rows are moved by when the position is scaled
}

export function VirtualTable<R>(p: Props<R>) {
  const body = useRef<HTMLDivElement>(null);
  const extra = useRef(0);
  const [, redraw] = useState(0);
  const [cursor, setCursor] = useState(0);
  const [range, setRange] = useState<Range>({ first: 0, last: 60, shift: 0 });
  const wantFocus = useRef(false);
  const anchor = useRef(0);

  const rowPx = isNarrow.value ? (p.phoneHeight ?? 64) : ROW_PX[density.value];
  const count = p.rows.length;
  const editAt = p.editKey == null ? -1 : p.rows.findIndex((r) => p.rowKey(r) === p.editKey);
  const open = editAt >= 0 ? extra.current : 0;
  const full = count * rowPx + open;
  const height = Math.min(full, LAYOUT_MAX_PX);
  const columns = visibleColumns(p.id, p.columns);

  const measure = (): void => {
    const el = body.current;
    if (!el) return;
    const above = TOP_BAR_PX - el.getBoundingClientRect().top;
    const scale = full > height ? full / height : 1;
    const at = Math.max(0, above) * scale;
    const first = Math.max(0, Math.floor((at - open) / rowPx) - OVERSCAN);
    const last = Math.min(count, Math.ceil((at + innerHeight) / rowPx) + OVERSCAN);
    const shift = Math.max(0, above) - at;
    setRange((r) => (r.first === first && r.last === last && r.shift === shift ? r : { first, last, shift }));
  };

  useLayoutEffect(measure, [count, rowPx, open, height]);
  useEffect(() => {
    let frame = 0;
    const onScroll = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(measure);
    };
    addEventListener('scroll', onScroll, { passive: true });
    addEventListener('resize', onScroll);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', onScroll);
      removeEventListener('resize', onScroll);
    };
  });

  const at = Math.min(cursor, Math.max(0, count - 1));
  useEffect(() => {
    if (!wantFocus.current) return;
    const now = document.activeElement;
    if (now && now !== document.body && !body.current?.contains(now)) {
      wantFocus.current = false; // the reader has gone elsewhere meanwhile
      return;
    }
    const el = body.current?.querySelector<HTMLElement>(`[data-row="${at}"]`);
    if (el) {
      wantFocus.current = false;
      el.focus({ preventScroll: true });
    }
  });

  const moveTo = (i: number): void => {
    const next = Math.max(0, Math.min(count - 1, i));
    wantFocus.current = true;
    setCursor(next);
    const el = body.current;
    if (!el) return;
    const top = el.getBoundingClientRect().top + next * rowPx * (height / full);
    if (top < TOP_BAR_PX + 40) scrollBy(0, top - TOP_BAR_PX - 40);
    else if (top + rowPx > innerHeight - 60) scrollBy(0, top + rowPx - innerHeight + 60);
    redraw((n) => n + 1);
  };

  const select = (i: number, shift: boolean): void => {
    const s = p.selection;
    const row = p.rows[i];
    if (!s || !row) return;
    const keys = new Set(s.keys);
    const on = !keys.has(p.rowKey(row));
    const [from, to] = shift ? [Math.min(anchor.current, i), Math.max(anchor.current, i)] : [i, i];
    for (const r of p.rows.slice(from, to + 1)) {
      if (on) keys.add(p.rowKey(r));
      else keys.delete(p.rowKey(r));
    }
    anchor.current = i;
    s.onChange(keys);
  };

  const onKeyDown = (e: KeyboardEvent): void => {
    const target = e.target as HTMLElement;
    if (!target.matches('[data-row]') || e.ctrlKey || e.metaKey || e.altKey) return;
    const row = p.rows[at];
    if (!row) return;
    const page = Math.max(1, Math.floor((innerHeight - 160) / rowPx));
    const acts: Record<string, () => void> = {
      ArrowDown: () => moveTo(at + 1),
      ArrowUp: () => moveTo(at - 1),
      PageDown: () => moveTo(at + page),
      PageUp: () => moveTo(at - page),
      Home: () => moveTo(0),
      End: () => moveTo(count - 1),
      Enter: () => p.onOpen?.(row),
      ' ': () => select(at, e.shiftKey),
      x: () => select(at, e.shiftKey),
      X: () => select(at, true),
      m: () => target.querySelector<HTMLElement>('.rowmenu')?.click(),
    };
    const act = acts[e.key] ?? (e.key.length === 1 && p.onKey ? () => p.onKey?.(e.key, row) : undefined);
    if (!act) return;
    if (e.key.length > 1 || e.key === ' ' || acts[e.key]) {
      e.preventDefault();
      e.stopPropagation();
    }
    act();
  };

  const tracks = [p.selection && !isNarrow.value ? '36px' : '', ...columns.map((c) => c.width), p.menu ? '44px' : '']
    .filter((w) => w !== '')
    .join(' ');
  const narrowTracks = [p.selection ? '36px' : '', ...columns.filter((c) => !c.isOptional).map((c) => c.width), p.menu ? '44px' : '']
    .filter((w) => w !== '')
    .join(' ');
  const style = { '--cols': tracks, '--cols-m': narrowTracks };

  return (
    <div class="vt" role="table" aria-label={p.label} aria-rowcount={count + 1} style={style}>
      <Head {...p} columns={columns} />
      <div
        ref={body}
        class="vbody"
        role="rowgroup"
        style={{ height: `${height}px`, '--row': `${rowPx}px` }}
        onKeyDown={onKeyDown}
      >
        {p.rows.slice(range.first, range.last).map((row, k) => {
          const i = range.first + k;
          const y = i * rowPx + (editAt >= 0 && i > editAt ? open : 0) + range.shift;
          const isEdited = i === editAt;
          const key = p.rowKey(row);
          const isOn = p.selection?.keys.has(key) === true;
          if (isEdited && p.editor) {
            return (
              <EditRow key={`edit ${key}`} top={y} index={i} onHeight={(px) => {
                if (Math.abs(extra.current - (px - rowPx)) < 1) return;
                extra.current = px - rowPx;
                redraw((n) => n + 1);
              }}>
                {p.editor(row)}
              </EditRow>
            );
          }
          return (
            <div
              key={key}
              class={`vr ${isOn ? 'on' : ''} ${p.rowClass?.(row) ?? ''}`}
              role="row"
              aria-rowindex={i + 2}
              data-row={i}
              tabIndex={i === at ? 0 : -1}
              style={{ transform: `translateY(${y}px)` }}
              onFocus={() => setCursor(i)}
            >
              {p.selection && !isNarrow.value && (
                <span class="ck" role="cell">
                  <input
                    type="checkbox"
                    tabIndex={i === at ? 0 : -1}
                    checked={isOn}
                    aria-label={t('table.select', { name: p.rowLabel(row) })}
                    onClick={(e) => select(i, e.shiftKey)}
                  />
                </span>
              )}
              {columns.map((c) => (
                <span key={c.key} role="cell" class={`c-${c.key} ${c.isOptional ? 'opt' : ''} ph-${c.phone ?? 'inline'}`} data-l={c.title}>
                  {c.cell(row)}
                </span>
              ))}
              {p.menu && (
                <span class="r" role="cell">
                  <IconButton
                    small
                    menu
                    icon="more"
                    className="rowmenu"
                    label={t('table.actions', { name: p.rowLabel(row) })}
                    onClick={(e) => openMenu(e.currentTarget, p.rowLabel(row), p.menu?.(row) ?? [])}
                  />
                </span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface EditRowProps {
  top: number;
  index: number;
  onHeight: (px: number) => void;
  children: ComponentChildren;
}

function EditRow({ top, index, onHeight, children }: EditRowProps) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el) return undefined;
    const tell = (): void => onHeight(el.offsetHeight);
    tell();
    const watch = new ResizeObserver(tell);
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  return (
    <div ref={ref} class="vr ed" role="row" aria-rowindex={index + 2} style={{ transform: `translateY(${top}px)` }}>
      <div role="cell" class="edcell">
        {children}
      </div>
    </div>
  );
}

function Head<R>({ columns, rows, rowKey, selection, menu, sort = '', onSort }: Props<R>) {
  const all = rows.length > 0 && selection !== undefined && rows.every((r) => selection.keys.has(rowKey(r)));
  const some = selection !== undefined && selection.keys.size > 0 && !all;
  return (
    <div class="vhead" role="rowgroup">
      <div class="vr" role="row" aria-rowindex={1}>
        {selection && !isNarrow.value && (
          <span class="ck" role="columnheader">
            <input
              type="checkbox"
              checked={all}
              indeterminate={some}
              aria-label={t('table.selectAll', { n: rows.length })}
              onChange={() => selection.onChange(all || some ? new Set() : new Set(rows.map(rowKey)))}
            />
          </span>
        )}
        {columns.map((c) => {
          const isUp = sort === c.key;
          const isDown = sort === `-${c.key}`;
          const canSort = (c.compare ?? c.sortKey) !== undefined && onSort !== undefined;
          return (
            <span
              key={c.key}
              role="columnheader"
              class={`c-${c.key} ${c.isOptional ? 'opt' : ''}`}
              aria-sort={isUp ? 'ascending' : isDown ? 'descending' : undefined}
            >
              {canSort ? (
                <button type="button" class="sort" onClick={() => onSort(isUp ? `-${c.key}` : isDown ? '' : c.key)}>
                  {c.title}
                  {(isUp || isDown) && <Icon name={isUp ? 'up' : 'down'} />}
                </button>
              ) : (
                c.title
              )}
            </span>
          );
        })}
        {menu && (
          <span role="columnheader" class="r">
            <span class="vh">{t('table.actionsHead')}</span>
          </span>
        )}
      </div>
    </div>
  );
}

/** "318 of 1,284 records shown", and the keys that work here. */
export function TableFoot({ text, keys }: { text: string; keys?: readonly { key: string; label: string }[] }) {
  return (
    <div class="foot2">
      <span role="status">{text}</span>
      <span class="sp" />
      {keys?.map((k) => (
        <span key={k.key} class="keyhint">
          <kbd>{k.key}</kbd> {k.label}
        </span>
      ))}
    </div>
  );
}

interface BulkProps {
  count: number;
  onClear: () => void;
  children: ComponentChildren;
}

/** The bar over the page's end while rows are selected. */
export function BulkBar({ count, onClear, children }: BulkProps) {
  if (count === 0) return null;
  return (
    <div class="pend" role="region" aria-label={t('table.bulk')}>
      <b>{t('table.selected', { n: count, count: num(count) })}</b>
      <span class="sp" />
      {children}
      <IconButton small icon="x" label={t('table.clear')} onClick={onClear} />
    </div>
  );
}
