import { ApiError } from '../exit-status.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { UsageError } from '../usage-error.js';

/** Time limit of Keystone's answer, ms. */
const TIMEOUT = 60_000;

export interface Login {
  /** Base URL without a trailing slash and without /v1 or /v2. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
}

/**
 * Login by the environment variables of the OpenStack clients: OS_ENDPOINT with OS_AUTH_TYPE none (default),
 * http_basic (OS_USERNAME, OS_PASSWORD), admin_token or token (OS_TOKEN), or password (a token from the Keystone at
 * OS_AUTH_URL; the endpoint is still OS_ENDPOINT).
 * @throws UsageError for a variable that is missing or wrong; ApiError when Keystone refuses or is away
 */
export async function login(options: GlobalOptions, shell: Shell): Promise<Login> {
  const { environment } = shell;
  const need = (name: string) => {
    const value = environment[name];
    if (value === undefined || value === '') throw new UsageError(`${name} is not set`);
    return value;
  };
  const given = options.endpoint ?? environment['OS_ENDPOINT'] ?? 'http://127.0.0.1:6385';
  if (!/^https?:/.test(given) || !URL.canParse(given))
    throw new UsageError(`not a URL of an endpoint: ${given}`);
  const endpoint = given.replace(/\/+$/, '').replace(/\/v[12]$/, '');
  const type = environment['OS_AUTH_TYPE'] ?? (environment['OS_TOKEN'] ? 'token' : 'none');
  switch (type) {
    case 'none':
      return { endpoint, headers: {} };
    case 'http_basic': {
      const pair = `${need('OS_USERNAME')}:${need('OS_PASSWORD')}`;
      return { endpoint, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
    }
    case 'token':
    case 'admin_token':
      return { endpoint, headers: { 'x-auth-token': need('OS_TOKEN') } };
    case 'password':
    case 'v3password':
      return { endpoint, headers: { 'x-auth-token': await keystoneToken(need, shell) } };
    default:
      throw new UsageError(`OS_AUTH_TYPE ${type} is not known; known are none, http_basic, token, password`);
  }
}

/** https://docs.openstack.org/api-ref/identity/v3/ "Password authentication with scoped authorization" */
async function keystoneToken(
  need: (name: string) => string,
  { environment, signal }: Shell,
): Promise<string> {
  const url = `${need('OS_AUTH_URL').replace(/\/+$/, '').replace(/\/v3$/, '')}/v3/auth/tokens`;
  const domain = (of: string) => {
    const name = environment[`${of}_NAME`];
    return name ? { name } : { id: environment[`${of}_ID`] || 'default' };
  };
  const user = {
    name: need('OS_USERNAME'),
    domain: domain('OS_USER_DOMAIN'),
    password: need('OS_PASSWORD'),
  };
  const projectOf = () => {
    const id = environment['OS_PROJECT_ID'];
    return id ? { id } : { name: need('OS_PROJECT_NAME'), domain: domain('OS_PROJECT_DOMAIN') };
  };
  const scope =
    environment['OS_SYSTEM_SCOPE'] === 'all' ? { system: { all: true } } : { project: projectOf() };
  const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } });
  let answer: Response;
  try {
    const headers = { 'content-type': 'application/json' };
    const ends = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
    answer = await fetch(url, { method: 'POST', headers, body, signal: ends });
  } catch (error) {
    throw new ApiError(`${url} does not answer`, undefined, { cause: error });
  }
  const token = answer.headers.get('x-subject-token');
  if (token === null) throw new ApiError(`${url} gives no token: ${answer.status}`, answer.status);
  return token;
}
