/**
 * The normalized name of a boot file, or null for an invalid one. Boot loaders differ in spelling: shim requests
 * `//grubx64.efi`, others `/./x` or `\x`. Firmware that reads past the end of option 67 appends the bytes that follow,
 * FF (End) and 00 (Pad) first.
 * @param asked one character for each byte, as TFTP and HTTP have it
 */
export function bootName(asked: string): string | null {
  const end = asked.search(/[\0\xff]/);
  const parts = (end < 0 ? asked : asked.slice(0, end)).replaceAll('\\', '/').split('/');
  const last = parts.at(-1);
  if (last === '' || last === '.' || parts.includes('..')) return null;
  const name = parts.filter((part) => part !== '' && part !== '.').join('/');
  return /^[\x21-\x7e]{1,255}$/.test(name) ? name : null;
}
