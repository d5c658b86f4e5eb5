// What is shown: the set-up, the sign-in, or the panel.
import { online } from '../api';
import { t } from '../i18n';
import { phase, refreshSession, start, startError } from '../state';
import { Button, Failure, Skeleton } from '../ui/basic';
import { useEvery } from '../ui/hooks';
import { Gate, Login } from './login';
import { Setup } from './setup';
import { Shell } from './shell';

const RETRY_MS = 3_000;

export function App() {
  const error = startError.value;
  useEvery(RETRY_MS, () => {
    if (phase.value === 'loading' && startError.value?.status === 'offline') void start();
  });
  switch (phase.value) {
    case 'ready':
      return <Shell />;
    case 'setup':
      return <Setup />;
    case 'login':
      return (
        <>
          {!online.value && <OfflineBar />}
          <Login />
        </>
      );
    case 'loading':
      return (
        <Gate title={t('app.name')}>
          {error === null ? <Skeleton lines={3} /> : <Failure error={error} retry={() => void start()} />}
        </Gate>
      );
  }
}

/** Stands over the page while the server does not answer. */
export function OfflineBar() {
  return (
    <div class="offline" role="alert">
      {t('shell.offline')}
      <Button small label={t('action.retry')} onClick={() => void (phase.value === 'ready' ? refreshSession() : start())} />
    </div>
  );
}
