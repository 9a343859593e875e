import type { Normal } from '../differ/normalise.js';

/** Those that clients of images read. */
const HEADERS = [
  ...['location', 'content-type', 'content-length', 'content-md5', 'content-range', 'accept-ranges', 'allow'],
  'openstack-image-import-methods',
];
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;

/** An answer with what two services cannot have in common neutralised. @param base URL of the one that answered */
export function normalise(base: string, answer: { status: number; headers: Headers; text: string }): Normal {
  const neutral = (text: string) =>
    text
      .replaceAll(base, '<base>')
      .replaceAll(TIME, '<time>')
      .replaceAll(UUID, (uuid) => (uuid.startsWith('d1ffe700-') ? uuid : '<uuid>'));
  const headers: Record<string, unknown> = {};
  for (const name of HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null) headers[name] = neutral(value).split(';')[0]!.trim();
  }
  if (typeof headers['allow'] === 'string') headers['allow'] = headers['allow'].split(', ').sort().join(', ');
  // Only bytes of images have a length that says something; that of JSON is a matter of spaces.
  if (headers['content-type'] !== 'application/octet-stream') delete headers['content-length'];
  if (answer.status >= 400) return { status: answer.status, headers, body: neutral(wordsOf(answer.text)) };
  let body: unknown = answer.text === '' ? undefined : neutral(answer.text);
  if (headers['content-type'] === 'application/json' && answer.text !== '')
    body = sorted(JSON.parse(body as string));
  return { status: answer.status, headers, body };
}

/** Of an error’s page, what stands below its heading (webob.exc). */
function wordsOf(text: string): string {
  const page = /<\/h1>([\s\S]*)<\/body>/.exec(text)?.[1] ?? text;
  const entities: Record<string, string> = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#x27;': "'",
    '&#39;': "'",
    '&amp;': '&',
  };
  return page
    .replaceAll(/<br \/>/g, ' ')
    .replaceAll(/&(lt|gt|quot|#x27|#39|amp);/g, (entity) => entities[entity]!)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Tags are a set, in whatever order a service keeps them. */
function sorted(body: unknown): unknown {
  const { images = [body] } = body as { images?: unknown[] };
  for (const image of images) {
    const { tags } = image as { tags?: unknown };
    if (Array.isArray(tags)) tags.sort();
  }
  return body;
}
