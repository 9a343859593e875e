/** Most bytes of UTF-8 of an error or history text that is stored. */
export const MOST_KEPT = 64 * 1024;
const CUT = ' … (cut)';

/** A text as it is stored: truncated, and without NUL, which PostgreSQL cannot store. */
export function keptText(text: string): string {
  const clean = text.replaceAll('\u0000', '');
  if (clean.length * 3 <= MOST_KEPT) return clean;
  const { read } = new TextEncoder().encodeInto(clean, new Uint8Array(MOST_KEPT));
  if (read === clean.length) return clean;
  const room = MOST_KEPT - new TextEncoder().encode(CUT).length;
  return clean.slice(0, new TextEncoder().encodeInto(clean, new Uint8Array(room)).read) + CUT;
}
