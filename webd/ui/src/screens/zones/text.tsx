// The zone as a zone file, with line numbers. Only the lines in sight are in the page.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { zones as api } from '../../api';
import { num, t } from '../../i18n';
import { nodeKey } from '../../state';
import { Button, Failure, Problem, Skeleton } from '../../ui/basic';
import { useAction, useLoad } from '../../ui/hooks';
import { toast } from '../../ui/toast';

const LINE_PX = 20;
const OVERSCAN = 20;

export function ZoneText({ zone, serial }: { zone: string; serial: number }) {
  const file = useLoad(`${nodeKey.value} ${zone} ${serial}`, () => api.exportText(zone));
  const act = useAction();
  const lines = useMemo(() => (file.data ?? '').replace(/\n$/, '').split('\n'), [file.data]);
  if (file.error) return <Failure error={file.error} retry={() => void file.reload()} />;
  if (file.data === null) return <Skeleton lines={8} />;
  return (
    <>
      <Problem text={act.error} />
      <CodeView lines={lines} label={t('zone.textLabel', { zone })} />
      <div class="foot2">
        <span>{t('zone.lines', { n: lines.length, count: num(lines.length) })}</span>
        <span class="sp" />
        <Button
          small
          icon="copy"
          label={t('action.copy')}
          onClick={() => void navigator.clipboard?.writeText(file.data ?? '').then(() => toast(t('action.copied')))}
        />
        <Button small icon="download" label={t('action.download')} onClick={() => void act.run(() => api.exportFile(zone))} />
      </div>
    </>
  );
}

function CodeView({ lines, label }: { lines: readonly string[]; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [first, setFirst] = useState(0);
  const measure = (): void => {
    const top = 56 - (box.current?.getBoundingClientRect().top ?? 0);
    setFirst(Math.max(0, Math.floor(top / LINE_PX) - OVERSCAN));
  };
  useEffect(() => {
    measure();
    addEventListener('scroll', measure, { passive: true });
    return () => removeEventListener('scroll', measure);
  }, []);
  const count = Math.ceil(innerHeight / LINE_PX) + 2 * OVERSCAN;
  return (
    <div ref={box} class="code" role="region" aria-label={label} tabIndex={0} style={{ height: `${lines.length * LINE_PX}px` }}>
      {lines.slice(first, first + count).map((line, i) => (
        <div key={first + i} class="ln" style={{ top: `${(first + i) * LINE_PX}px` }}>
          <span class="no" aria-hidden="true">
            {first + i + 1}
          </span>
          {line}
        </div>
      ))}
    </div>
  );
}
