// Something to copy that is shown once: a token, a join code.
import { t } from '../i18n';
import { Button } from './basic';
import { toast } from './toast';

export function Secret({ text }: { text: string }) {
  return (
    <div class="secret">
      <code>{text}</code>
      <Button small icon="copy" label={t('action.copy')} onClick={() => void navigator.clipboard?.writeText(text).then(() => toast(t('action.copied')))} />
    </div>
  );
}
