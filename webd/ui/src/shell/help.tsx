// The list of keys, under "?".
import { t, type Key } from '../i18n';
import { PAGES } from '../pages';
import { closeDialog } from '../router';
import { Kbd } from '../ui/basic';
import { Dialog } from '../ui/dialog';
import { mayView } from './shell';

const GROUPS: readonly { title: Key; rows: readonly (readonly [string, Key])[] }[] = [
  {
    title: 'help.anywhere',
    rows: [
      ['Ctrl K', 'help.palette'],
      ['/', 'help.filter'],
      ['?', 'help.help'],
      ['Esc', 'help.escape'],
    ],
  },
  {
    title: 'help.tables',
    rows: [
      ['↑ ↓', 'help.move'],
      ['Enter', 'help.open'],
      ['n', 'help.new'],
      ['e', 'help.edit'],
      ['x', 'help.select'],
      ['Shift X', 'help.range'],
      ['m', 'help.menu'],
    ],
  },
];

export function HelpDialog() {
  return (
    <Dialog title={t('help.title')} wide onClose={closeDialog}>
      <div class="helpcols">
        {GROUPS.map((g) => (
          <section key={g.title}>
            <h3>{t(g.title)}</h3>
            <dl class="keys">
              {g.rows.map(([keys, what]) => (
                <div key={keys}>
                  <dt>
                    <Kbd keys={keys} />
                  </dt>
                  <dd>{t(what)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>{t('help.goto')}</h3>
          <dl class="keys">
            {PAGES.filter(mayView).map((p) => (
              <div key={p.path}>
                <dt>
                  <Kbd keys={`g ${p.key}`} />
                </dt>
                <dd>{t(p.title)}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}
