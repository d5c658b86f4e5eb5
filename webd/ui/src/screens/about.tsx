// Version, name and state of the server that answers, as text for a report. Nothing is fetched
// from anywhere else.
import { apiTime, dateTime, longDuration, t, word } from '../i18n';
import { clusterNodes, info, otherNode, selfNode } from '../state';
import { Button, Card, PageHead } from '../ui/basic';
import { toast } from '../ui/toast';

export default function About() {
  const i = info.value;
  const up = apiTime(i?.uptimestamp);
  const rows: (readonly [string, string])[] = [
    [t('about.product'), `${t('app.name')} ${i?.version ?? ''}`],
    [t('overview.name'), i?.dnsServerDomain ?? ''],
    [t('about.started'), up === null ? '–' : `${dateTime(up)} (${longDuration((Date.now() - up) / 1000)})`],
    [t('about.cluster'), i?.clusterInitialized ? (i.clusterDomain ?? '') : t('overview.alone')],
    ...clusterNodes.value.map((n) => [n.name, [word('nodeType', n.type), word('nodeState', n.state), n.productVersion ?? ''].filter((s) => s !== '').join(', ')] as const),
    [t('about.panelAt'), location.origin],
    [t('about.browser'), navigator.userAgent],
  ];
  const shown = otherNode.value ?? selfNode.value;
  return (
    <>
      <PageHead title={t('nav.about')} sub={shown?.name}>
        <Button
          icon="copy"
          label={t('about.copy')}
          onClick={() => void navigator.clipboard?.writeText(rows.map(([k, v]) => `${k}: ${v}`).join('\n')).then(() => toast(t('action.copied')))}
        />
      </PageHead>
      <Card>
        <dl class="kv">
          {rows.map(([k, v]) => (
            <>
              <dt>{k}</dt>
              <dd>{v}</dd>
            </>
          ))}
        </dl>
      </Card>
      <Card title={t('about.licence')}>
        <p>{t('about.licenceText')}</p>
        <p class="muted small">{t('about.thirdParty')}</p>
      </Card>
    </>
  );
}
