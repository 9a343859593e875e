/** An answer with what two servers cannot have in common neutralised. */
export interface Normal {
  status: number;
  /** Of the headers that clients read. */
  headers: Record<string, unknown>;
  body: unknown;
}

const HEADERS = [
  'x-openstack-ironic-api-minimum-version',
  'x-openstack-ironic-api-maximum-version',
  'x-openstack-ironic-api-version',
  'openstack-api-version',
  'location',
  'content-type',
  'allow',
  'www-authenticate',
  'vary',
];
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const OWN_UUID = /^d1ffe700-/;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?/g;

/** @param base URL of the server that answered */
export function normalise(base: string, answer: { status: number; headers: Headers; text: string }): Normal {
  const neutral = (text: string) => neutralise(text, base);
  const headers: Record<string, unknown> = {};
  for (const name of HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null) headers[name] = neutral(value);
  }
  // A parameter of the type says nothing new about JSON.
  if (typeof headers['content-type'] === 'string') {
    headers['content-type'] = headers['content-type'].split(';')[0]!.trim();
  }
  return { status: answer.status, headers, body: bodyOf(answer.text, neutral) };
}

function neutralise(text: string, base: string): string {
  return text
    .replaceAll(base, '<base>')
    .replaceAll(TIME, '<time>')
    .replaceAll(UUID, (uuid) => (OWN_UUID.test(uuid) ? uuid : '<uuid>'));
}

function bodyOf(text: string, neutral: (text: string) => string): unknown {
  if (text === '') return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return neutral(text);
  }
  return unwrapped(walk(body, neutral));
}

function walk(value: unknown, neutral: (text: string) => string): unknown {
  if (typeof value === 'string') return neutral(value);
  if (Array.isArray(value)) return value.map((item) => walk(item, neutral));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    // Drawn at random.
    if (key === 'agent_token' && typeof item === 'string' && item.length > 30) return [key, '<token>'];
    const neutralised = walk(item, neutral);
    // Sets, in whatever order a server keeps them.
    return [
      neutral(key),
      /^enabled_\w+_interfaces$/.test(key) ? (neutralised as unknown[]).toSorted() : neutralised,
    ];
  });
  return Object.fromEntries(entries);
}

/** An error's inner JSON as the object it is. */
function unwrapped(body: unknown): unknown {
  const message = (body as { error_message?: unknown } | null)?.error_message;
  if (typeof message !== 'string') return body;
  try {
    return { ...(body as object), error_message: JSON.parse(message) as unknown };
  } catch {
    return body;
  }
}
