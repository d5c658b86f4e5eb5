// Whether somebody is there. What refreshes by itself stops when nobody is: an open page that nobody
// touches must not keep its session alive.

const IDLE_AFTER_MS = 300_000;

let lastInput = Date.now();

if (typeof addEventListener === 'function') {
  for (const event of ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const) {
    addEventListener(event, () => (lastInput = Date.now()), { passive: true, capture: true });
  }
}

/** True while the page is in sight and was touched in the last five minutes. */
export function isAttended(): boolean {
  return !document.hidden && Date.now() - lastInput < IDLE_AFTER_MS;
}
