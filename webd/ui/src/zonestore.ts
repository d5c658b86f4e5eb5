// The zones of the shown node: one list for the zone page, the palette and the count beside "Zones".
import { computed, signal } from '@preact/signals';
import { ApiError, zones } from './api';
import { nodeKey } from './state';
import type { Zone } from './types';

interface Held {
  node: string;
  list: Zone[];
}

const held = signal<Held | null>(null);
const counted = signal<{ node: string; n: number } | null>(null);

export const zoneError = signal<ApiError | null>(null);

/** Null until they have been loaded for this node. */
export const zoneList = computed<Zone[] | null>(() => (held.value?.node === nodeKey.value ? held.value.list : null));

/** The number of zones, when anything has told it. */
export const zoneCount = computed<number | null>(
  () => zoneList.value?.length ?? (counted.value?.node === nodeKey.value ? counted.value.n : null),
);

/** Loads all zones of the shown node. */
export async function loadZones(): Promise<void> {
  const node = nodeKey.value;
  zoneError.value = null;
  try {
    const { zones: list } = await zones.list();
    if (node === nodeKey.value) held.value = { node, list };
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
    zoneError.value = e;
  }
}

/** Notes the number from a paged answer. */
export function noteZoneCount(n: number): void {
  counted.value = { node: nodeKey.value, n };
}
