import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Data of a token, where it differs from a token of one hour without roles. */
export interface FakeToken {
  user?: string;
  project?: { id: string; name?: string };
  system?: boolean;
  roles?: string[];
  /** Lifetime, seconds; default an hour. */
  lives?: number;
}

/** The two routes of Keystone that a service uses, with faults on request. */
export async function startFakeKeystone(password: string) {
  const state = {
    tokens: new Map<string, FakeToken>(),
    /** Valid tokens of Ferric itself. */
    own: new Set<string>(),
    logins: [] as unknown[],
    validated: [] as string[],
    /** Handles requests in place of the normal response. */
    fault: null as null | ((request: IncomingMessage, response: ServerResponse) => void),
  };
  const server = createServer(async (request, response) => {
    if (state.fault) return state.fault(request, response);
    const send = (status: number, body: object, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body));
    if (request.url !== '/identity/v3/auth/tokens?nocatalog') return send(404, {});
    if (request.method === 'POST') {
      let text = '';
      for await (const part of request) text += part;
      state.logins.push(JSON.parse(text));
      if (!text.includes(JSON.stringify(password))) return send(401, {});
      const own = `own-${state.logins.length}-canary-own-token`;
      state.own.add(own);
      return send(201, described({ user: 'ferric' }), { 'x-subject-token': own });
    }
    if (!state.own.has(String(request.headers['x-auth-token']))) return send(401, {});
    const subject = String(request.headers['x-subject-token']);
    state.validated.push(subject);
    const token = state.tokens.get(subject);
    return token ? send(200, described(token)) : send(404, {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/identity`;
  return {
    ...state,
    state,
    url,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function described({ user = 'someone', project, system, roles = [], lives = 3600 }: FakeToken) {
  return {
    token: {
      methods: ['password'],
      user: { id: user, name: user, domain: { id: 'default', name: 'Default' } },
      expires_at: new Date(Date.now() + lives * 1000).toISOString(),
      roles: roles.map((name) => ({ id: name, name })),
      ...(project ? { project: { name: project.id, domain: {}, ...project } } : {}),
      ...(system ? { system: { all: true } } : {}),
    },
  };
}
