/** Text of a daemon or a machine for a terminal: control characters, escape sequences included, become `?`. */
export function plain(text: string): string {
  return text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    '?',
  );
}

/** The same in one line: no text of a machine looks like a line of ours. */
export function plainLine(text: string): string {
  return plain(text).replaceAll('\n', ' ');
}

/** Characters that JSON and YAML may hold as they are, and a terminal obeys: C1 controls (ECMA-48 §5.3), text direction. */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function isObeyed(text: string): boolean {
  return text.search(OBEYED) >= 0;
}

/** @param text of a JSON document, or of double-quoted YAML: the value stays the same */
export function escaped(text: string): string {
  return text.replace(OBEYED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
