/** Bytes of UTF-8 that a text of an error or of a history may have where it is kept. */
export const MOST_KEPT = 64 * 1024;
const CUT = ' … (cut)';

/** A text of whatever origin as it is kept: cut, and without NUL, which PostgreSQL has no place for. */
export function keptText(text: string): string {
  const clean = text.replaceAll('\u0000', '');
  if (clean.length * 3 <= MOST_KEPT) return clean;
  const { read } = new TextEncoder().encodeInto(clean, new Uint8Array(MOST_KEPT));
  if (read === clean.length) return clean;
  const room = MOST_KEPT - new TextEncoder().encode(CUT).length;
  return clean.slice(0, new TextEncoder().encodeInto(clean, new Uint8Array(room)).read) + CUT;
}
