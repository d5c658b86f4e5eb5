// What the whole panel shares: who is signed in, the nodes, the node that is shown.
import { computed, signal } from '@preact/signals';
import { ApiError, online, setHooks, user } from './api';
import { isAttended } from './idle';
import { route } from './router';
import type { ClusterNode, Rights, Section, Session } from './types';

export type Phase = 'loading' | 'setup' | 'login' | 'ready';

export const phase = signal<Phase>('loading');
export const session = signal<Session | null>(null);

/** Why the panel could not find out who is signed in; shown with a retry. */
export const startError = signal<ApiError | null>(null);

export const info = computed(() => session.value?.info ?? null);
export const clusterNodes = computed<ClusterNode[]>(() => info.value?.clusterNodes ?? []);
export const selfNode = computed(() => clusterNodes.value.find((n) => n.state === 'Self') ?? null);

/** The node named in the address, when it is another one than the one connected to. */
export const otherNode = computed<ClusterNode | null>(() => {
  const wanted = route.value.query['node'];
  if (wanted === undefined) return null;
  const node = clusterNodes.value.find((n) => n.name === wanted || shortName(n.name) === wanted);
  return node && node.state !== 'Self' ? node : null;
});

/** The node whose data the page shows. */
export const shownNode = computed(() => otherNode.value ?? selfNode.value);

/** A change of this value means that pages load their data again. */
export const nodeKey = computed(() => otherNode.value?.name ?? '');

/** "ns1" of "ns1.dns.example.net", as long as no other node is called so. */
export function shortName(name: string): string {
  const head = name.split('.')[0] ?? name;
  return clusterNodes.value.filter((n) => n.name.split('.')[0] === head).length > 1 ? name : head;
}

const NONE: Rights = { canView: false, canModify: false, canDelete: false };

/** The rights of the signed-in user in a section. */
export function rights(section: Section): Rights {
  return info.value?.permissions[section] ?? NONE;
}

export function signedIn(s: Session): void {
  session.value = s;
  phase.value = 'ready';
}

export function signedOut(): void {
  session.value = null;
  phase.value = 'login';
}

setHooks({
  node: () => otherNode.value?.name,
  primary: () => clusterNodes.value.find((n) => n.type === 'Primary' && n.state !== 'Self')?.name,
  signedOut: () => {
    if (phase.value === 'ready') signedOut();
  },
});

/** Finds out what to show first: the set-up, the sign-in or the panel. */
export async function start(): Promise<void> {
  startError.value = null;
  try {
    if ((await user.setupStatus()).setupRequired) {
      phase.value = 'setup';
      return;
    }
    signedIn(await user.session());
  } catch (e) {
    if (e instanceof ApiError && e.status === 'invalid-token') signedOut();
    else if (e instanceof ApiError) startError.value = e;
    else throw e;
  }
}

/** Reads the session again: rights, nodes and their states. Failures show in the offline bar. */
export async function refreshSession(): Promise<void> {
  try {
    session.value = await user.session();
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
  }
}

const NODES_EVERY_MS = 15_000;
const RETRY_EVERY_MS = 3_000;

/** Keeps the node states fresh while somebody looks, and finds the server again after a break. */
export function startPolling(): void {
  let due = Date.now() + NODES_EVERY_MS;
  setInterval(() => {
    if (phase.value !== 'ready' || document.hidden) return;
    if (online.value && (!isAttended() || Date.now() < due)) return;
    due = Date.now() + NODES_EVERY_MS;
    void refreshSession();
  }, RETRY_EVERY_MS);
}
