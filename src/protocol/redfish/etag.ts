/**
 * Forms of an entity tag that services accept in If-Match, in the order in which they are tried: unchanged; the strong
 * form of a weak tag (Gigabyte, HPE); quoted, if it came without quotes; no header. A failed precondition changes
 * nothing, so trying another form never repeats a change (RFC 9110 §13.1.1).
 * @param etag from the header, else from `@odata.etag`; "" and empty quotes count as none
 */
export function ifMatchForms(etag: string | undefined): (string | undefined)[] {
  const tag = cleaned(etag);
  if (tag === undefined) return [undefined, '*'];
  const strong = tag.replace(/^W\//i, '');
  const quoted = strong.startsWith('"') ? strong : `"${strong}"`;
  return [...new Set([tag, strong, quoted, undefined])];
}

/** Some services send the header's quotes doubled or escaped. */
function cleaned(etag: string | undefined): string | undefined {
  const tag = etag
    ?.trim()
    .replace(/\\"/g, '"')
    .replace(/^(W\/)?""(.*)""$/i, '$1"$2"');
  if (tag === undefined || /^(W\/)?("")?$/i.test(tag)) return undefined;
  // Text that a header cannot contain is no tag: it would end the request.
  return /^[\x21-\x7e]{1,200}$/.test(tag) ? tag : undefined;
}
