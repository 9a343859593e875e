import { isMeasuring, observe } from '../platform/meter/meter.js';

const KINDS = ['select', 'insert', 'update', 'delete', 'with'];

/** Measures a statement by its first word; of other words by `other`. @returns the promise to wait for instead */
export function metered<T>(text: unknown, sent: Promise<T>): Promise<T> {
  if (!isMeasuring()) return sent;
  const since = performance.now();
  const done = () =>
    observe('db_query_duration_seconds', { kind: kindOf(text) }, (performance.now() - since) / 1000);
  return sent.finally(done);
}

function kindOf(text: unknown): string {
  const word =
    typeof text === 'string' ? /^\s*([a-z]+)/i.exec(text.slice(0, 40))?.[1]?.toLowerCase() : undefined;
  return word !== undefined && KINDS.includes(word) ? word : 'other';
}
