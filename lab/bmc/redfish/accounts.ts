import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import {
  type Answer,
  type Body,
  badValue,
  type Call,
  collection,
  link,
  notFound,
  readOnly,
  refuse,
  unknownProperty,
} from './answer.js';
import type { Board, Resource, Resources } from './board.js';

export interface RedfishUser {
  name: string;
  password: string;
  /** RoleId of AccountService. Default Administrator. */
  role?: 'Administrator' | 'Operator' | 'ReadOnly';
}

interface Session {
  id: string;
  token: string;
  user: string;
  /** Time of the last use, by performance.now(). */
  touched: number;
}

const SESSIONS = '/redfish/v1/SessionService/Sessions';
const ACCOUNTS = '/redfish/v1/AccountService/Accounts';
const SESSION_LIMIT = 16;

/** Authentication and authorisation of a service: accounts, sessions, and the credentials of requests. */
export class Accounts {
  readonly #users = new Map<string, Required<RedfishUser>>();
  readonly #sessions = new Map<string, Session>();
  #last = 0;

  constructor(
    private readonly board: Board,
    users: readonly RedfishUser[],
    /** Idle timeout of a session, ms. */
    private readonly timeout: number,
  ) {
    for (const user of users) this.#users.set(user.name, { role: 'Administrator', ...user });
  }

  get sessionCount(): number {
    this.#sweep();
    return this.#sessions.size;
  }

  dropSessions(): void {
    this.#sessions.clear();
  }

  /** @returns the user's name. @throws Refusal with 401, or with 403 for a change that the role does not allow */
  authenticate(method: string, path: string, headers: IncomingHttpHeaders): string {
    const user = this.#known(headers);
    if (user === undefined) {
      throw refuse(401, 'NoValidSession', 'There is no valid session established with the implementation.');
    }
    const reads = method === 'GET' || method === 'HEAD';
    const own = path.startsWith(SESSIONS);
    if (!reads && !own && this.#users.get(user)?.role === 'ReadOnly') {
      throw refuse(403, 'InsufficientPrivilege', 'The account has not the privilege for this operation.');
    }
    return user;
  }

  #known(headers: IncomingHttpHeaders): string | undefined {
    const token = headers['x-auth-token'];
    if (typeof token === 'string') {
      this.#sweep();
      const session = this.#sessions.get(token);
      if (session) session.touched = performance.now();
      return session?.user;
    }
    const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (basic === undefined) return undefined;
    const [name = '', ...rest] = Buffer.from(basic, 'base64').toString().split(':');
    if (!this.#proves(name, rest.join(':'))) return undefined;
    this.board.event({ kind: 'login', user: name, how: 'basic' });
    return name;
  }

  #proves(name: string, password: string): boolean {
    const { faults } = this.board;
    const wanted = this.#users.get(name)?.password;
    const right = wanted !== undefined && same(wanted, password) && !faults.has('wrong-password');
    if (right && !faults.locked) return true;
    faults.loginFailed();
    this.board.event({ kind: 'refused-login', user: name });
    return false;
  }

  #sweep(): void {
    const late = performance.now() - this.timeout;
    for (const [token, { touched }] of this.#sessions) if (touched < late) this.#sessions.delete(token);
  }

  resources(): Resources {
    return {
      '/redfish/v1/SessionService': {
        get: () => ({
          '@odata.id': '/redfish/v1/SessionService',
          '@odata.type': '#SessionService.v1_1_8.SessionService',
          Id: 'SessionService',
          Name: 'Session Service',
          ServiceEnabled: true,
          SessionTimeout: Math.max(1, Math.round(this.timeout / 1000)),
          Sessions: link(SESSIONS),
        }),
      },
      [SESSIONS]: {
        get: () => {
          this.#sweep();
          const paths = [...this.#sessions.values()].map(({ id }) => `${SESSIONS}/${id}`);
          return collection(SESSIONS, 'SessionCollection', paths);
        },
        post: (call) => this.#login(call),
        child: (id) => this.#session(id),
      },
      '/redfish/v1/AccountService': {
        get: () => ({
          '@odata.id': '/redfish/v1/AccountService',
          '@odata.type': '#AccountService.v1_10_0.AccountService',
          Id: 'AccountService',
          Name: 'Account Service',
          MinPasswordLength: 8,
          MaxPasswordLength: 40,
          Accounts: link(ACCOUNTS),
        }),
      },
      [ACCOUNTS]: {
        get: () =>
          collection(
            ACCOUNTS,
            'ManagerAccountCollection',
            [...this.#users.keys()].map((name) => `${ACCOUNTS}/${name}`),
          ),
        post: (call) => this.#create(call),
        child: (name) => this.#account(name),
      },
    };
  }

  #login({ body }: Call): Answer {
    const { faults, quirks } = this.board;
    const { UserName: user, Password: password } = body;
    if (typeof user !== 'string' || typeof password !== 'string' || !this.#proves(user, password)) {
      throw refuse(401, 'ResourceAtUriUnauthorized', 'The login was refused: wrong user name or password.');
    }
    this.#sweep();
    if (this.#sessions.size >= (faults.has('session-limit')?.limit ?? SESSION_LIMIT)) {
      throw refuse(
        503,
        'SessionLimitExceeded',
        'The session establishment failed, there are too many sessions.',
      );
    }
    const session = {
      id: String(++this.#last),
      token: randomBytes(16).toString('hex'),
      user,
      touched: performance.now(),
    };
    this.#sessions.set(session.token, session);
    this.board.event({ kind: 'login', user, how: 'session' });
    const path = `${SESSIONS}/${session.id}`;
    const headers = { Location: path, 'X-Auth-Token': session.token };
    return quirks.sessionWithoutBody
      ? { status: 204, headers }
      : { status: 201, headers, body: sessionBody(path, session) };
  }

  #session(id: string): Resource | undefined {
    const session = [...this.#sessions.values()].find((one) => one.id === id);
    if (!session) return undefined;
    return {
      get: () => sessionBody(`${SESSIONS}/${id}`, session),
      delete: () => {
        this.#sessions.delete(session.token);
        return { status: 204 };
      },
    };
  }

  #create({ body }: Call): Answer {
    const { UserName: name, Password: password, RoleId: role = 'Administrator' } = body;
    if (typeof name !== 'string' || !/^[\w.-]{1,16}$/.test(name)) throw badValue(name, 'UserName');
    if (this.#users.has(name))
      throw refuse(400, 'ResourceAlreadyExists', 'There is an account of that name.', [name]);
    this.#users.set(name, { name, password: checkPassword(password), role: checkRole(role) });
    const path = `${ACCOUNTS}/${name}`;
    return { status: 201, headers: { Location: path }, body: this.#accountBody(name) };
  }

  #account(name: string): Resource | undefined {
    if (!this.#users.has(name)) return undefined;
    return {
      get: () => this.#accountBody(name),
      patch: ({ body }) => {
        const user = this.#users.get(name)!;
        for (const [key, value] of Object.entries(body)) {
          if (key === 'Password') user.password = checkPassword(value);
          else if (key === 'RoleId') user.role = checkRole(value);
          else if (key === 'UserName') throw readOnly(key);
          else throw unknownProperty(key);
        }
        return undefined;
      },
      delete: () => {
        this.#users.delete(name);
        for (const [token, { user }] of this.#sessions) if (user === name) this.#sessions.delete(token);
        return { status: 204 };
      },
    };
  }

  #accountBody(name: string): Body {
    const user = this.#users.get(name);
    if (!user) throw notFound(`${ACCOUNTS}/${name}`);
    return {
      '@odata.id': `${ACCOUNTS}/${name}`,
      '@odata.type': '#ManagerAccount.v1_9_0.ManagerAccount',
      Id: name,
      Name: `Account ${name}`,
      UserName: name,
      Password: null,
      RoleId: user.role,
      Enabled: true,
      Locked: this.board.faults.locked,
    };
  }
}

function sessionBody(path: string, { id, user }: Session): Body {
  return {
    '@odata.id': path,
    '@odata.type': '#Session.v1_5_0.Session',
    Id: id,
    Name: 'Session',
    UserName: user,
  };
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function checkPassword(password: unknown): string {
  if (typeof password === 'string' && password.length >= 8 && password.length <= 40) return password;
  throw refuse(400, 'PropertyValueFormatError', 'A password has 8 to 40 characters.', ['Password']);
}

function checkRole(role: unknown): Required<RedfishUser>['role'] {
  if (role === 'Administrator' || role === 'Operator' || role === 'ReadOnly') return role;
  throw badValue(role, 'RoleId');
}
