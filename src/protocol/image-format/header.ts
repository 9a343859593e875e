// Reads fixed headers: a view, text, and the verdict on one format's header.

export interface HeaderVerdict {
  faults: string[];
  virtualSize: number | undefined;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** True when `bytes` holds exactly `text` (Latin-1) at `offset`. */
export function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  if (bytes.length < offset + text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Latin-1 text of `bytes[start, end)`, ended by the first NUL. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end && i < bytes.length && bytes[i] !== 0; i++)
    text += String.fromCharCode(bytes[i]!);
  return text;
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
