/**
 * Forms of an entity tag in which services want it back in If-Match, in the order that they are tried in: as it came; the
 * strong form of a weak one (Gigabyte, HPE); quoted, of one that came without quotes; nothing at all. A precondition that
 * is not met changes nothing, so that trying another form never does a thing twice (RFC 9110 §13.1.1).
 * @param etag of the header, else of `@odata.etag`; "" and a tag of empty quotes are none
 */
export function ifMatchForms(etag: string | undefined): (string | undefined)[] {
  const tag = cleaned(etag);
  if (tag === undefined) return [undefined, '*'];
  const strong = tag.replace(/^W\//i, '');
  const quoted = strong.startsWith('"') ? strong : `"${strong}"`;
  return [...new Set([tag, strong, quoted, undefined])];
}

/** Some services send the header with its quotes doubled, or escaped. */
function cleaned(etag: string | undefined): string | undefined {
  const tag = etag
    ?.trim()
    .replace(/\\"/g, '"')
    .replace(/^(W\/)?""(.*)""$/i, '$1"$2"');
  if (tag === undefined || /^(W\/)?("")?$/i.test(tag)) return undefined;
  // What cannot stand in a header is no tag: it would end the request.
  return /^[\x21-\x7e]{1,200}$/.test(tag) ? tag : undefined;
}
