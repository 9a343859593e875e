import { Client } from 'pg';
import { FerricError, messageOf } from '../domain/errors.js';
import { contained } from '../platform/boundary.js';
import { PreparingClient } from './prepared.js';

/** ms for a server to answer whether it is the primary. */
const ANSWER = 3_000;
/** ms in which the other servers may still answer once one of them is a primary. */
const SETTLE = 300;
/** ms for which an answer counts. */
const VALID = 500;
/** ms between two questions while connections are open. */
const ASK_EVERY = 2_000;
/** Values of libpq's `target_session_attrs` that say what is done here anyway. */
const PRIMARY = [null, 'read-write', 'primary'];

/** One of the servers of `database.url`. */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  /** The URL with this server alone. */
  readonly url: string;
}

/**
 * The servers of a URL in libpq's form, `postgresql://user:password@first:5432,second:5432/name`.
 * @throws FerricError invalid; its message does not have the login
 */
export function serversOf(url: string): [Server, ...Server[]] {
  const [, scheme, login = '', hosts = '', rest = ''] =
    /^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#@]*)(.*)$/s.exec(url) ?? [];
  if (scheme === undefined) throw invalid('it does not begin with postgresql://');
  const [first = '', ...others] = hosts.split(',');
  const serverOf = (name: string): Server => {
    const own = `${scheme}${login}${name}${rest}`;
    // A scheme that URL knows, since it takes others with any host.
    const parsed = URL.parse(`http://${login}${name}${rest}`);
    if (!parsed) throw invalid(`“${name}” is not host or host:port`);
    const attributes = parsed.searchParams.get('target_session_attrs');
    if (!PRIMARY.includes(attributes))
      throw invalid(`target_session_attrs is ${attributes}, and Ferric writes: it uses the primary`);
    const port = /:(\d+)$/.exec(name)?.[1];
    return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(port ?? 5432), name, url: own };
  };
  return [serverOf(first), ...others.map(serverOf)];
}

function invalid(why: string): FerricError {
  return new FerricError('invalid', `database.url: ${why}`);
}

/** What a server says of itself. */
interface Answer {
  readonly server: Server;
  /** Of a primary; it grows with each promotion. null: the server takes no writes. */
  readonly timeline: number | null;
  readonly why: string;
}

/**
 * Several servers of which one is the primary: what libpq has and node-postgres has not. Connections are made to the
 * primary with the newest timeline, and closed when another server takes its place. A server whose timeline is older
 * than the newest one seen is a former primary that came back: what it accepts would be lost.
 */
export class Servers {
  readonly #connections = new Map<PreparingClient, Server>();
  #newest = 0;
  #found: { readonly server: Server; readonly at: number } | null = null;
  #asking: Promise<Server> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly servers: readonly Server[]) {}

  /** @throws Error when no server is a usable primary, with what each of them says */
  async primary(): Promise<Server> {
    const found = this.#found;
    if (found && performance.now() - found.at < VALID) return found.server;
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** A connection to it could not be made: its answer does not count any more. */
  doubt(server: Server): void {
    if (this.#found?.server === server) this.#found = null;
  }

  /** A connection to this server is being made: it is closed when another server becomes the primary. */
  keep(client: PreparingClient, server: Server): void {
    this.#connections.set(client, server);
    const gone = () => {
      this.#connections.delete(client);
      if (this.#connections.size > 0 || !this.#timer) return;
      clearInterval(this.#timer);
      this.#timer = null;
    };
    client.once('end', contained('database: connection', gone, gone));
    const look = contained('database: primary', () => this.#look());
    this.#timer ??= setInterval(look, ASK_EVERY).unref();
  }

  async #look(): Promise<void> {
    let primary: Server;
    try {
      primary = await this.#ask();
    } catch {
      return; // No server is better than the ones in use; their queries fail by themselves.
    }
    for (const [client, server] of this.#connections) {
      if (server !== primary) client.cut(new Error(`${server.name} is not the primary any more`));
    }
  }

  async #ask(): Promise<Server> {
    const answers: Answer[] = [];
    let best: { readonly server: Server; readonly timeline: number } | undefined;
    const settled = Promise.withResolvers<void>();
    const asked = this.servers.map(async (server) => {
      const answer = await answerOf(server);
      answers.push(answer);
      const { timeline } = answer;
      if (timeline === null || timeline < Math.max(this.#newest, best?.timeline ?? 0)) return;
      best = { server, timeline };
      const settle = () => settled.resolve();
      setTimeout(contained('database: primary settled', settle, settle), SETTLE);
    });
    await Promise.race([Promise.all(asked), settled.promise]);
    if (!best) {
      const said = answers.map(({ server, timeline, why }) => {
        const old = timeline !== null;
        return `${server.name}: ${old ? `its timeline ${timeline} is older than ${this.#newest}, which was seen` : why}`;
      });
      throw new Error(`no server is the primary (${said.join('; ')})`);
    }
    this.#newest = best.timeline;
    this.#found = { server: best.server, at: performance.now() };
    return best.server;
  }
}

/** The timeline is that of the log file being written: the control file's lags behind a promotion. */
async function answerOf(server: Server): Promise<Answer> {
  const client = new Client({
    connectionString: server.url,
    application_name: 'ferric-primary',
    connectionTimeoutMillis: ANSWER,
    query_timeout: ANSWER,
  });
  // The query in progress reports it.
  client.on(
    'error',
    contained('database: question', () => undefined),
  );
  try {
    await client.connect();
    const { rows } = await client.query<{ wal: string | null }>(
      `select case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end as wal`,
    );
    const wal = rows[0]?.wal;
    if (typeof wal !== 'string') return { server, timeline: null, why: 'a standby' };
    return { server, timeline: Number.parseInt(wal.slice(0, 8), 16), why: 'the primary' };
  } catch (error) {
    const { code } = error as { code?: string };
    return { server, timeline: null, why: [code, messageOf(error)].filter(Boolean).join(' ') };
  } finally {
    // What matters was answered.
    await (client.end() as Promise<void>).catch(() => undefined);
  }
}

/** The pool's client, whose connection goes to the server that is the primary when it is made. */
export function clientOf(servers: Servers): typeof PreparingClient {
  return class extends PreparingClient {
    /** `never` matches the overloads of the overridden method. */
    override connect(callback?: (...given: never[]) => void): never {
      const connected = this.#connect();
      // pg-pool calls it without an argument after a success.
      if (callback) connected.then(callback as () => void, callback as (error: unknown) => void);
      return connected as never;
    }

    async #connect(): Promise<void> {
      const server = await servers.primary();
      // Read by connect() of pg's lib/client.js.
      Object.assign(this, { host: server.host, port: server.port });
      servers.keep(this, server);
      try {
        await super.connect();
      } catch (error) {
        servers.doubt(server);
        throw error;
      }
    }
  };
}
