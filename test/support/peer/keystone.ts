import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.js';

/** Greatest number of polls, half a second apart, until it responds. */
const POLLS = 240;
const LAUNCHER = new URL('./serve-keystone.py', import.meta.url).pathname;

/** Keystone as packaged by Debian, with an administrator. */
export interface KeystonePeer {
  /** Base URL without /v3. */
  readonly url: string;
  /** Sends a request with the administrator's token; throws for a status of 400 and above. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  call(method: string, path: string, body?: object): Promise<any>;
  /** @returns a token for this `auth` object (POST /v3/auth/tokens). */
  token(auth: object): Promise<string>;
  /** Its log, with a line for each request. */
  log(): string;
  stop(): Promise<void>;
}

/** `auth` of a user of the default domain. */
export function passwordAuth(name: string, password: string, scope: object): object {
  const user = { name, domain: { id: 'default' }, password };
  return { identity: { methods: ['password'], password: { user } }, scope };
}

/** Packages: group `peer` of scripts/install-dependencies.sh. SQLite and fernet tokens, in a directory of its own. */
export async function startKeystonePeer(): Promise<KeystonePeer> {
  const directory = mkdtempSync(join(tmpdir(), 'ferric-keystone-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const password = randomBytes(8).toString('hex');
  for (const repository of ['fernet', 'credential']) {
    mkdirSync(join(directory, repository));
    for (const name of ['0', '1']) {
      writeFileSync(
        join(directory, repository, name),
        randomBytes(32).toString('base64').replace(/\+/g, '-').replace(/\//g, '_'),
        { mode: 0o600 },
      );
    }
  }
  const config = join(directory, 'keystone.conf');
  writeFileSync(
    config,
    `[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///${directory}/keystone.sqlite
sqlite_synchronous = false
[fernet_tokens]
key_repository = ${directory}/fernet
[fernet_receipts]
key_repository = ${directory}/fernet
[credential]
key_repository = ${directory}/credential
[identity]
password_hash_rounds = 4
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
`,
  );
  const output = openSync(join(directory, 'keystone.log'), 'a');
  const program = spawn('/usr/bin/python3', [LAUNCHER, config, '127.0.0.1', String(port), password], {
    cwd: directory,
    stdio: ['ignore', output, output],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: directory },
  });
  const log = () => readFileSync(join(directory, 'keystone.log'), 'utf8');
  const stop = async () => {
    await end(program);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await ready(url, program, log);
    const own = await login(url, passwordAuth('admin', password, { system: { all: true } }));
    return {
      url,
      call: (method, path, body) =>
        request(`${url}/v3/${path}`, method, own, body).catch((error: Error) => {
          throw new Error(`${error.message}\n${log().slice(-4_000)}`);
        }),
      token: (auth) => login(url, auth),
      log,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(url: string, program: ChildProcess, log: () => string): Promise<void> {
  for (let poll = 0; poll < POLLS; poll++) {
    const answer = await fetch(`${url}/v3`).catch(() => null);
    if (answer?.ok) return;
    if (program.exitCode !== null || program.signalCode !== null) break;
    await sleep(500);
  }
  throw new Error(`Debian’s Keystone did not start:\n${log().slice(-4_000)}`);
}

async function login(url: string, auth: object): Promise<string> {
  const answer = await fetch(`${url}/v3/auth/tokens?nocatalog`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  const token = answer.headers.get('x-subject-token');
  if (token === null) throw new Error(`login: ${answer.status} ${await answer.text()}`);
  return token;
}

async function request(url: string, method: string, token: string, body?: object): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', 'x-auth-token': token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}

async function end(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = once(program, 'exit');
  program.kill('SIGKILL');
  await ended;
}
