// Signing in: user and password, then the code where the user has one.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, user } from '../api';
import { t } from '../i18n';
import { parseHash } from '../router';
import { signedIn } from '../state';
import { Button, Notice, Problem } from '../ui/basic';
import { TextField } from '../ui/field';
import { errorText } from '../ui/hooks';
import { Logo } from '../ui/icons';

/** The card in the middle that sign-in and set-up share. */
export function Gate({ title, sub, children }: { title: string; sub?: string; children: ComponentChildren }) {
  return (
    <main class="gate">
      <section class="card">
        <div class="gatehead">
          <Logo />
          <div>
            <h1>{title}</h1>
            <p class="muted small">{sub ?? location.host}</p>
          </div>
        </div>
        {children}
      </section>
    </main>
  );
}

const CODE_LENGTH = 6;

export function Login() {
  const [name, setName] = useState('');
  const [pass, setPass] = useState('');
  const [code, setCode] = useState('');
  const [needsCode, setNeedsCode] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [ssoError] = useState(() => parseHash(location.hash.replace(/^#error=/, '#?error=')).query['error'] ?? null);
  useEffect(() => {
    document.title = t('title.login');
    if (ssoError !== null) history.replaceState(null, '', '#/');
    document.querySelector<HTMLElement>('input')?.focus();
  }, []);

  const submit = async (totp: string): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    setError(null);
    try {
      signedIn(await user.login(name.trim().toLowerCase(), pass, totp === '' ? undefined : totp));
    } catch (e) {
      if (e instanceof ApiError && e.status === '2fa-required') {
        setNeedsCode(true);
      } else {
        setError(errorText(e));
        setCode('');
      }
    } finally {
      setBusy(false);
    }
  };
  const typeCode = (v: string): void => {
    const digits = v.replace(/\D/g, '').slice(0, CODE_LENGTH);
    setCode(digits);
    if (digits.length === CODE_LENGTH) void submit(digits);
  };

  return (
    <Gate title={t('app.name')}>
      <form
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          void submit(code);
        }}
      >
        {ssoError !== null && <Notice tone="bad">{ssoError}</Notice>}
        <Problem text={error} />
        <TextField label={t('login.user')} name="username" autocomplete="username" value={name} onInput={setName} readOnly={needsCode} />
        <TextField
          label={t('login.password')}
          name="password"
          type="password"
          autocomplete="current-password"
          value={pass}
          onInput={setPass}
          readOnly={needsCode}
        />
        {needsCode && (
          <TextField
            label={t('login.code')}
            hint={t('login.codeHint')}
            autocomplete="one-time-code"
            inputMode="numeric"
            mono
            value={code}
            onInput={typeCode}
          />
        )}
        <Button submit kind="primary" label={t('login.submit')} busy={isBusy} />
        {needsCode && (
          <Button
            label={t('login.restart')}
            onClick={() => {
              setNeedsCode(false);
              setCode('');
              setPass('');
            }}
          />
        )}
        <details class="small muted">
          <summary>{t('login.forgot')}</summary>
          <p>{t('login.forgotText')}</p>
        </details>
      </form>
    </Gate>
  );
}
