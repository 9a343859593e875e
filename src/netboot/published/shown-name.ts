/** A name as the log has it: without the token that makes a name one that nobody guesses. */
export function shownName(name: string): string {
  return name.replace(/(^|\/)(?:[\w-]{32}|[0-9a-f]{40})(\.\w+)?$/, '$1******$2');
}
