/**
 * The name of a boot file in its one spelling, or null for what can be none. Boot loaders write it in their own ways: shim
 * asks for `//grubx64.efi`, others for `/./x` or `\x`, and firmware that reads on past the end of option 67 appends what
 * follows there, the bytes FF (End) and 00 (Pad) first.
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
