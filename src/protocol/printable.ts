/** A peer's text as one short line of visible ASCII; each other character becomes `?`. */
export function printableAscii(text: string, most: number): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, most);
}

/** A peer's text as one short line: control characters and line separators become spaces. The length is in characters. */
export function oneLine(text: string, most = 255): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, most);
}
