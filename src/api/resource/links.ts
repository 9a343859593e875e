/** Links of the API: a list of `self` and `bookmark`, the bookmark without the version. */
export interface Link {
  href: string;
  rel: string;
}

/** JSON text of `linksTo`. */
export function linksText(base: string, path: string): string {
  const plain = PLAIN.test(base) && PLAIN.test(path);
  return plain
    ? `[{"href":"${base}/v1/${path}","rel":"self"},{"href":"${base}/${path}","rel":"bookmark"}]`
    : JSON.stringify(linksTo(base, path));
}

/** Text that needs no escaping in JSON. */
const PLAIN = /^[\w:/.[\]-]*$/;

export function linksTo(base: string, path: string): Link[] {
  return [
    { href: `${base}/v1/${path}`, rel: 'self' },
    { href: `${base}/${path}`, rel: 'bookmark' },
  ];
}
