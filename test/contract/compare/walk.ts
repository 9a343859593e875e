import { isObject } from '../../../src/domain/json.js';
/** One place in which two answers are not the same; what is not there is `absent`. */
export interface Difference {
  /** `status`, `headers.location`, `body.nodes[0].name`, `[0].Name`. */
  path: string;
  theirs: string;
  ours: string;
}

/** What depends on where the values come from. */
export interface Form {
  /** What tells an item of a list from the others, if anything does. */
  identityOf(item: Record<string, unknown>): unknown;
  /** The path of which items a list has, and in which order. @param path of the list */
  itemsOf(path: string): string;
  shown(value: unknown): string;
}

/** @returns every difference of two JSON values, in the order of the paths as found */
export function differences(path: string, theirs: unknown, ours: unknown, form: Form): Difference[] {
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    return identified(path, theirs, ours, form) ?? placed(path, theirs, ours, form);
  }
  if (isObject(theirs) && isObject(ours)) {
    const keys = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])];
    const below = (key: string) => (path === '' ? key : `${path}.${key}`);
    return keys.flatMap((key) => differences(below(key), theirs[key], ours[key], form));
  }
  return Object.is(theirs, ours) ? [] : [{ path, theirs: form.shown(theirs), ours: form.shown(ours) }];
}

function placed(path: string, theirs: unknown[], ours: unknown[], form: Form): Difference[] {
  const longer = theirs.length > ours.length ? theirs : ours;
  return longer.flatMap((_, at) => differences(`${path}[${at}]`, theirs[at], ours[at], form));
}

/**
 * Items with an identity: other items or another order is one difference, each item in both is compared with itself.
 * @returns null where an item has none
 */
function identified(path: string, theirs: unknown[], ours: unknown[], form: Form): Difference[] | null {
  const idOf = (item: unknown) => (isObject(item) ? form.identityOf(item) : undefined);
  const [theirIds, ourIds] = [theirs.map(idOf), ours.map(idOf)];
  if (![...theirIds, ...ourIds].every((id) => typeof id === 'string')) return null;
  const items =
    theirIds.join() === ourIds.join()
      ? []
      : [{ path: form.itemsOf(path), theirs: form.shown(theirIds), ours: form.shown(ourIds) }];
  const each = theirIds.flatMap((id, at) => {
    const place = ourIds.indexOf(id);
    if (place < 0 || theirIds.indexOf(id) !== at) return [];
    return differences(`${path}[${at}]`, theirs[at], ours[place], form);
  });
  return [...items, ...each];
}
