import type { JsonObject } from '../json.js';

/**
 * Keys of driver_internal_info that an operation leaves for itself, and that mean nothing to the next one: it would show
 * the bytes of another deployment, pass over steps that it did not run, or start a machine that serves an instance. With
 * the kinds of operation that go on with them. What belongs to the ramdisk goes with the ramdisk, what belongs to the
 * instance with that.
 */
const LEFT_BEHIND: Readonly<Record<string, readonly string[]>> = {
  deploy_progress: [],
  clean_steps_done_again: [],
  // A service that failed leaves the machine in its ramdisk; the next one, or its abort, brings it back.
  service_ramdisk: ['service'],
};

/** @returns null where an operation of this kind finds nothing of another one */
export function withoutLeftBehind(internal: JsonObject, kind: string): JsonObject | null {
  const stale = Object.keys(internal).filter((key) => LEFT_BEHIND[key]?.includes(kind) === false);
  if (stale.length === 0) return null;
  return Object.fromEntries(Object.entries(internal).filter(([key]) => !stale.includes(key)));
}
