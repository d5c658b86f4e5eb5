// The commits of the config: who changed what, when, where; the difference; and taking one back.
import { useState } from 'preact/hooks';
import { admin as api } from '../../api';
import { ago, apiTime, dateTime, t } from '../../i18n';
import { closeDialog, dialogArg, openDialog } from '../../router';
import { nodeKey, rights } from '../../state';
import type { Commit } from '../../types';
import { Badge, Button, Card, Empty, Failure, Problem, Skeleton } from '../../ui/basic';
import { ask, Dialog } from '../../ui/dialog';
import { useAction, useLoad } from '../../ui/hooks';
import { toast } from '../../ui/toast';

const PAGE = 50; // commits in one answer

export function HistoryTab() {
  const loaded = useLoad(`history ${nodeKey.value}`, () => api.history());
  const [older, setOlder] = useState<readonly Commit[]>([]);
  const [isAll, setAll] = useState(false);
  const isShort = loaded.data !== null && older.length === 0 && loaded.data.commits.length < PAGE;
  const act = useAction();
  const list = [...(loaded.data?.commits ?? []), ...older];
  const last = list.at(-1);
  const shown = dialogArg('commit');
  const reload = async (): Promise<void> => {
    setOlder([]);
    setAll(false);
    await loaded.reload();
  };
  return (
    <>
      <Problem text={act.error} />
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      <Card title={t('history.title')} flush>
        {!loaded.data ? (
          <Skeleton />
        ) : list.length === 0 ? (
          <Empty title={t('history.none')} />
        ) : (
          <div class="tblwrap">
            <table class="tbl">
              <thead>
                <tr>
                  <th scope="col">{t('history.what')}</th>
                  <th scope="col">{t('history.version')}</th>
                  <th scope="col">{t('history.who')}</th>
                  <th scope="col">{t('history.where')}</th>
                  <th scope="col">{t('history.when')}</th>
                  <th scope="col" class="r">
                    <span class="vh">{t('table.actionsHead')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((c) => (
                  <Row key={c.revision} c={c} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {last && !isAll && !isShort && (
          <div class="pad row">
            <Button
              small
              label={t('history.older')}
              busy={act.isBusy}
              onClick={() =>
                void act.run(async () => {
                  const more = (await api.history(last.revision)).commits;
                  if (more.length < PAGE) setAll(true);
                  setOlder([...older, ...more]);
                })
              }
            />
          </div>
        )}
      </Card>
      {shown !== null && /^\d+$/.test(shown) && <CommitDialog commit={list.find((c) => c.revision === Number(shown)) ?? null} revision={Number(shown)} onReverted={reload} />}
    </>
  );
}

function Row({ c }: { c: Commit }) {
  const time = apiTime(c.time);
  return (
    <tr>
      <td>
        <button type="button" class="link nm" onClick={() => openDialog('commit', String(c.revision))}>
          {c.summary === '' ? t('history.noSummary') : c.summary}
        </button>
        <span class="small">{t('history.changes', { n: c.changes })}</span>
      </td>
      <td data-l={t('history.version')}>
        <Badge>{versionOf(c)}</Badge>
      </td>
      <td data-l={t('history.who')}>
        <span>{c.actor}</span>
      </td>
      <td data-l={t('history.where')}>
        <span class="mono">{c.node}</span>
      </td>
      <td data-l={t('history.when')}>
        {time !== null && (
          <span class="num" title={dateTime(time)}>
            {ago(time)}
          </span>
        )}
      </td>
      <td class="r">
        <Button small label={t('history.show')} onClick={() => openDialog('commit', String(c.revision))} />
      </td>
    </tr>
  );
}

const versionOf = (c: Commit): string => (c.seq === 0 ? t('history.local') : c.epoch > 1 ? `${c.epoch}.${c.seq}` : String(c.seq));

interface DialogProps {
  commit: Commit | null;
  revision: number;
  onReverted: () => Promise<void>;
}

function CommitDialog({ commit, revision, onReverted }: DialogProps) {
  const loaded = useLoad(`diff ${revision} ${nodeKey.value}`, () => api.diff(revision - 1, revision));
  const time = apiTime(commit?.time);
  const revert = (): void => {
    closeDialog();
    ask({
      title: t('history.revertOf', { what: commit?.summary ?? String(revision) }),
      text: <p>{t('history.revertText')}</p>,
      action: t('history.revert'),
      run: async () => {
        await api.revert(revision);
        await onReverted();
        toast(t('history.reverted'));
      },
    });
  };
  return (
    <Dialog
      side
      title={commit?.summary ?? t('history.commit', { n: revision })}
      onClose={closeDialog}
      footer={
        <>
          <Button kind="danger" icon="undo" label={t('history.revert')} deny={rights('Administration').canDelete ? null : t('right.delete')} onClick={revert} />
          <span class="sp" />
          <Button label={t('action.close')} onClick={closeDialog} />
        </>
      }
    >
      {commit && time !== null && <p class="muted small">{t('history.line', { who: commit.actor, node: commit.node, time: dateTime(time) })}</p>}
      {loaded.error && <Failure error={loaded.error} retry={() => void loaded.reload()} />}
      {!loaded.data && !loaded.error && <Skeleton />}
      <div class="diff">
        {loaded.data?.rows.map((row) => (
          <>
            <div class="path">{row.path}</div>
            {row.before !== '' && <div class="del">− {row.before}</div>}
            {row.after !== '' && <div class="ins">+ {row.after}</div>}
          </>
        ))}
      </div>
      {loaded.data?.rows.length === 0 && <p class="muted">{t('history.nothing')}</p>}
    </Dialog>
  );
}
