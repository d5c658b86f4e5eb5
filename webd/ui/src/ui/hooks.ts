// The few hooks that all screens share: loading, acting, outside clocks.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { t } from '../i18n';
import { isAttended } from '../idle';

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  isLoading: boolean;
  reload: () => Promise<void>;
  set: (data: T) => void;
}

/** Loads data when `key` changes. Old data stays in sight while newer is on its way. */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string; data: T | null; error: ApiError | null; isLoading: boolean }>({
    key,
    data: null,
    error: null,
    isLoading: true,
  });
  const current = useRef(0);
  const run = async (): Promise<void> => {
    const mine = ++current.current;
    setState((s) => ({ key, data: s.key === key ? s.data : null, error: null, isLoading: true }));
    try {
      const data = await load();
      if (mine === current.current) setState({ key, data, error: null, isLoading: false });
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      if (mine === current.current) setState((s) => ({ ...s, error: e, isLoading: false }));
    }
  };
  useEffect(() => {
    void run();
    return () => {
      current.current++;
    };
  }, [key]);
  const isFresh = state.key === key;
  return {
    data: isFresh ? state.data : null,
    error: isFresh ? state.error : null,
    isLoading: !isFresh || state.isLoading,
    reload: run,
    set: (data) => setState({ key, data, error: null, isLoading: false }),
  };
}

export interface Action {
  run: (act: () => Promise<unknown>) => Promise<boolean>;
  isBusy: boolean;
  error: string | null;
  clear: () => void;
}

/** Runs one call at a time and keeps its error where it happened. */
export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const busy = useRef(false);
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    if (busy.current) return false;
    busy.current = true;
    setBusy(true);
    setError(null);
    try {
      await act();
      return true;
    } catch (e) {
      setError(errorText(e));
      return false;
    } finally {
      busy.current = false;
      setBusy(false);
    }
  };
  return { run, isBusy, error, clear: () => setError(null) };
}

/** What a failure says to the reader. Anything but a failed call is a bug and goes on. */
export function errorText(e: unknown): string {
  if (!(e instanceof ApiError)) throw e;
  if (e.status === 'offline') return t('error.offline');
  return e.detail === '' ? e.message : `${e.message} ${e.detail}`;
}

/** Calls `tick` again and again while the component and somebody to look at it are there. */
export function useEvery(ms: number, tick: () => void): void {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    const timer = setInterval(() => {
      if (isAttended()) latest.current();
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
}

const narrow = matchMedia('(max-width: 720px)');

/** True on phones, where tables are stacked and bulk editing is off. */
export const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', () => (isNarrow.value = narrow.matches));

let ids = 0;

/** An id that no other element has. */
export function useId(): string {
  return useState(() => `u${++ids}`)[0];
}
