/**
 * Characters that JSON and YAML may hold as they are, and a terminal obeys: C1 controls (ECMA-48 §5.3), text direction. A
 * part of a class of a regular expression.
 */
const OBEYED = '\\u007f-\\u009f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069';
const UNESCAPED = new RegExp(`[${OBEYED}]`, 'g');
/** But for the newline. */
const CONTROLS = new RegExp(`[\\u0000-\\u0009\\u000b-\\u001f${OBEYED}]`, 'g');

/** Text of a daemon or a machine for a terminal: control characters, escape sequences included, become `?`. */
export function plain(text: string): string {
  return text.replace(CONTROLS, '?');
}

/** The same in one line: no text of a machine looks like a line of ours. */
export function plainLine(text: string): string {
  return plain(text).replaceAll('\n', ' ');
}

export function isObeyed(text: string): boolean {
  return text.search(UNESCAPED) >= 0;
}

/** @param text of a JSON document, or of double-quoted YAML: the value stays the same */
export function escaped(text: string): string {
  return text.replace(UNESCAPED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
