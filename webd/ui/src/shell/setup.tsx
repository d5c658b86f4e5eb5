// The first run: the token that the server printed opens the choice of the administrator's password.
import { useEffect, useState } from 'preact/hooks';
import { user } from '../api';
import { t } from '../i18n';
import { parseHash } from '../router';
import { signedIn } from '../state';
import { Button, Problem } from '../ui/basic';
import { TextField } from '../ui/field';
import { useAction } from '../ui/hooks';
import { Gate } from './login';

export const PASSWORD_MIN = 8; // characters; the server has the last word

/** How hard to guess, 0 to 4: length first, then variety. */
export function strength(pass: string): number {
  if (pass.length < PASSWORD_MIN) return 0;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((re) => re.test(pass)).length;
  const unique = new Set(pass).size;
  const score = (pass.length >= 12 ? 1 : 0) + (pass.length >= 16 ? 1 : 0) + (kinds >= 3 ? 1 : 0) + (unique >= 8 ? 1 : 0);
  return Math.max(1, Math.min(4, score));
}

const WORDS = ['password.short', 'password.weak', 'password.fair', 'password.good', 'password.strong'] as const;

/** A bar and a word. */
export function StrengthBar({ pass }: { pass: string }) {
  if (pass === '') return null;
  const n = strength(pass);
  return (
    <div class="strength">
      <meter min={0} max={4} low={2} high={3} optimum={4} value={n} aria-label={t('password.strength')} />
      <span class="small muted">{t(WORDS[n] ?? 'password.short', { n: PASSWORD_MIN })}</span>
    </div>
  );
}

export function Setup() {
  const [token, setToken] = useState(() => parseHash(location.hash).query['token'] ?? '');
  const [fromUrl] = useState(token !== '');
  const [pass, setPass] = useState('');
  const [again, setAgain] = useState('');
  const act = useAction();
  useEffect(() => {
    document.title = t('title.setup');
    if (fromUrl) history.replaceState(null, '', '#/'); // a secret must not stay in the history
  }, []);
  const differs = again !== '' && again !== pass;
  const isReady = token.trim() !== '' && pass.length >= PASSWORD_MIN && again === pass;

  return (
    <Gate title={t('setup.title')}>
      <form
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (isReady) void act.run(async () => signedIn(await finish(token.trim(), pass)));
        }}
      >
        <p>{t('setup.text')}</p>
        <Problem text={act.error} />
        {(!fromUrl || act.error !== null) && (
          <TextField label={t('setup.token')} hint={t('setup.tokenHint')} mono value={token} onInput={setToken} />
        )}
        <TextField label={t('setup.user')} value="admin" name="username" autocomplete="username" readOnly onInput={() => undefined} />
        <TextField
          label={t('setup.password')}
          type="password"
          name="new-password"
          autocomplete="new-password"
          autofocus
          value={pass}
          onInput={setPass}
        />
        <StrengthBar pass={pass} />
        <TextField
          label={t('setup.again')}
          type="password"
          name="repeat-password"
          autocomplete="new-password"
          value={again}
          onInput={setAgain}
          error={differs ? t('password.differs') : null}
        />
        <Button submit kind="primary" label={t('setup.submit')} busy={act.isBusy} deny={isReady ? null : t('field.incomplete')} />
      </form>
    </Gate>
  );
}

/* A server that answers the set-up without a session wants a sign-in with the new password. */
async function finish(token: string, pass: string) {
  const s = await user.setup(token, pass);
  return 'info' in s ? s : user.login('admin', pass);
}
