import { createHash } from 'node:crypto';
import { type Answer, type Body, type Call, notFound, Refusal, refuse } from './answer.js';
import type { Board, Resource } from './board.js';

/** Routes requests to resources: fixed paths, and members of collections. */
export class Dispatcher {
  readonly #resources = new Map<string, Resource>();

  constructor(
    private readonly board: Board,
    private readonly authenticate: (method: string, path: string, headers: Call['headers']) => string,
  ) {}

  add(resources: Readonly<Record<string, Resource>>): void {
    for (const [path, resource] of Object.entries(resources)) this.#resources.set(path, resource);
  }

  find(path: string): Resource | undefined {
    const exact = this.#resources.get(path);
    if (exact) return exact;
    const cut = path.lastIndexOf('/');
    return this.#resources.get(path.slice(0, cut))?.child?.(decodeURIComponent(path.slice(cut + 1)));
  }

  /** @throws Refusal */
  async run(call: Call): Promise<Answer> {
    const { method, path, headers } = call;
    const resource = this.find(path);
    const open = resource?.open && (method === 'GET' || method === 'HEAD');
    const logsIn = method === 'POST' && path === '/redfish/v1/SessionService/Sessions';
    // Unauthenticated clients must not learn which paths exist.
    if (!open && !logsIn) call.user = this.authenticate(method, path, headers);
    if (!resource) throw notFound(path);
    const allow = allowed(resource);
    switch (method) {
      case 'GET':
      case 'HEAD':
        if (resource.get) return this.#read(resource, call, allow);
        break;
      case 'PATCH':
        if (resource.patch) return this.#patch(resource, call);
        break;
      case 'POST':
        if (resource.post) return resource.post(call);
        break;
      case 'DELETE':
        if (resource.delete) return resource.delete(call);
        break;
      default:
    }
    const refusal = refuse(405, 'OperationNotAllowed', `The method ${method} is not allowed at ${path}.`);
    throw new Refusal(405, refusal.messages, { Allow: allow.join(', ') });
  }

  #read(resource: Resource, call: Call, allow: readonly string[]): Answer {
    const body = this.#expanded(resource.get!(call), call);
    const etag = this.etagOf(body);
    const headers = { Allow: allow.join(', '), ETag: etag };
    const known = call.headers['if-none-match'];
    if (known !== undefined && weak(known) === weak(etag)) return { status: 304, headers };
    if (this.board.faults.has('endless-pages') && 'Members' in body) {
      const page = Number(call.query.get('$skip') ?? 0) + 1;
      body['Members@odata.nextLink'] = `${call.path}?$skip=${page}`;
    }
    return { status: 200, headers, body };
  }

  async #patch(resource: Resource, call: Call): Promise<Answer> {
    this.#checkMatch(resource, call);
    const answer = await resource.patch!(call);
    if (answer) return answer;
    const body = resource.get!(call);
    return { status: 200, headers: { ETag: this.etagOf(body) }, body };
  }

  /** If-Match (RFC 9110 §13.1.1). Vendors differ in whether they require it and in what form. */
  #checkMatch(resource: Resource, call: Call): void {
    const { quirks } = this.board;
    const given = call.headers['if-match'];
    if (given === undefined) {
      if (!quirks.ifMatchRequired) return;
      const text = 'The precondition header If-Match is missing.';
      throw refuse(428, 'Ami.1.0.PreconditionHeaderMissing', text);
    }
    if (given === '*') return;
    const now = this.etagOf(resource.get!(call));
    // With the quirk the tag must come without W/; otherwise the comparison is weak.
    const holds = quirks.weakEtagRefused ? given === strong(now) : weak(given) === weak(now);
    if (!holds) throw refuse(412, 'PreconditionFailed', 'The ETag of If-Match is not that of the resource.');
  }

  etagOf(body: Body): string {
    const digest = createHash('sha1').update(JSON.stringify(body)).digest('hex').slice(0, 16);
    return this.board.quirks.weakEtagRefused ? `W/"${digest}"` : `"${digest}"`;
  }

  #expanded(body: Body, call: Call): Body {
    const asked = call.query.get('$expand');
    if (asked === null) return body;
    if (!this.board.personality.expand) {
      throw refuse(501, 'QueryNotSupported', 'Querying with $expand is not supported by the implementation.');
    }
    const members = body['Members'];
    if (!Array.isArray(members)) return body;
    const whole = members.map((one: { '@odata.id': string }) => {
      const resource = this.find(one['@odata.id']);
      return resource?.get?.({ ...call, path: one['@odata.id'] }) ?? one;
    });
    return { ...body, Members: whole };
  }
}

function allowed(resource: Resource): string[] {
  const methods: string[] = [];
  if (resource.get) methods.push('GET', 'HEAD');
  if (resource.patch) methods.push('PATCH');
  if (resource.post) methods.push('POST');
  if (resource.delete) methods.push('DELETE');
  return methods;
}

const weak = (etag: string) => etag.replace(/^W\//, '').replaceAll('"', '');
const strong = (etag: string) => etag.replace(/^W\//, '');
