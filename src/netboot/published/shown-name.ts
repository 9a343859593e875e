/** A name for the log: without the token that makes it unguessable. */
export function shownName(name: string): string {
  return name.replace(/(^|\/)(?:[\w-]{32}|[0-9a-f]{40})(\.\w+$|$|(?=\/))/, '$1******$2');
}
