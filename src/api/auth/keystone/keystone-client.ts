import type { AuthSettings } from '../../../config/section/auth.js';
import { messageOf } from '../../../domain/errors.js';
import { authoritiesIn } from '../../../platform/authorities.js';
import { HttpClient } from '../../../platform/http-client.js';
import type { Logger } from '../../../platform/logger.js';
import { LoginUnavailable } from '../access.js';
import { readToken, type TokenFacts } from './token.js';

/** A token's description without the catalog is some kilobytes. */
const MOST_BYTES = 1_048_576;
/** ms before expiry at which our own token is renewed. */
const RENEW_BEFORE = 60_000;
/** ms without requests after Keystone failed to answer. */
const REST = 1_000;
const RETRY_AFTER = 5;

type Settings = AuthSettings['keystone'];
type Answer = Awaited<ReturnType<HttpClient['document']>>;

/** Keystone v3, as far as token validation needs it. Sends tokens and passwords to the configured URL only. */
export class KeystoneClient {
  readonly #http: HttpClient;
  readonly #tokens: string;
  #own: { token: string; until: number } | null = null;
  #loggingIn: Promise<string> | null = null;
  #restUntil = -Infinity;

  /** @param now ms on a monotonic clock */
  constructor(
    private readonly settings: Settings,
    private readonly log: Logger,
    private readonly now: () => number,
  ) {
    const timeout = settings.timeout * 1000;
    this.#http = new HttpClient({
      connectTimeout: timeout,
      idleTimeout: timeout,
      maxRedirects: 0,
      ...(settings.ca_file === null
        ? {}
        : { authorities: authoritiesIn(settings.ca_file, 'auth.keystone.ca_file') }),
    });
    this.#tokens = `${settings.url!.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3/auth/tokens`;
  }

  /**
   * @returns null for a token that is invalid or expired
   * @throws LoginUnavailable when Keystone gives no answer
   */
  async validate(token: string): Promise<TokenFacts | null> {
    let answer = await this.#ask(token, await this.#ownToken());
    if (answer.status === 401) {
      // Our own token was revoked before its expiry.
      this.#own = null;
      answer = await this.#ask(token, await this.#ownToken());
    }
    if (answer.status === 404) return null;
    const facts = answer.status === 200 ? readToken(answer.text, dateOf(answer), Date.now()) : null;
    if (facts) return facts.lifetime > 0 ? facts : null;
    throw this.#away(
      answer.status === 403
        ? 'Ferric’s own user may not validate tokens (status 403)'
        : `Keystone answered a validation with status ${answer.status}`,
    );
  }

  close(): void {
    this.#http.close();
  }

  #ask(token: string, own: string): Promise<Answer> {
    const headers = { 'x-auth-token': own, 'x-subject-token': token };
    return this.#exchange({ url: `${this.#tokens}?nocatalog`, headers });
  }

  /** One login at a time, however many requests wait for it. */
  #ownToken(): Promise<string> {
    if (this.#own && this.#own.until > this.now()) return Promise.resolve(this.#own.token);
    this.#loggingIn ??= this.#logIn().finally(() => (this.#loggingIn = null));
    return this.#loggingIn;
  }

  async #logIn(): Promise<string> {
    const answer = await this.#exchange({
      method: 'POST',
      url: `${this.#tokens}?nocatalog`,
      headers: { 'content-type': 'application/json' },
      content: JSON.stringify({ auth: loginOf(this.settings) }),
    });
    const token = answer.headers['x-subject-token'];
    const facts = answer.status === 201 ? readToken(answer.text, dateOf(answer), Date.now()) : null;
    if (!facts || typeof token !== 'string') {
      throw this.#away(`Keystone refused Ferric’s own login (auth.keystone) with status ${answer.status}`);
    }
    this.#own = { token, until: this.now() + facts.lifetime - RENEW_BEFORE };
    return token;
  }

  async #exchange(request: Omit<Parameters<HttpClient['document']>[0], 'maxBytes'>): Promise<Answer> {
    if (this.#restUntil > this.now()) throw unavailable();
    try {
      return await this.#http.document({ ...request, maxBytes: MOST_BYTES });
    } catch (error) {
      this.#restUntil = this.now() + REST;
      throw this.#away(messageOf(error), { cause: error });
    }
  }

  /** The reason goes to the log only; clients learn just that validation is unavailable. */
  #away(reason: string, options?: ErrorOptions): LoginUnavailable {
    this.log.error({ reason }, 'tokens cannot be validated');
    return unavailable(options);
  }
}

function unavailable(options?: ErrorOptions): LoginUnavailable {
  const message =
    'The Identity service (Keystone) is temporarily unavailable, so that tokens cannot be validated.';
  return new LoginUnavailable(message, RETRY_AFTER, options);
}

function dateOf({ headers }: Answer): string | undefined {
  const { date } = headers;
  return typeof date === 'string' ? date : undefined;
}

function loginOf(settings: Settings): object {
  const { application_credential_id: id, application_credential_secret: credential } = settings;
  if (id !== null) {
    const application_credential = { id, secret: credential!.reveal() };
    return { identity: { methods: ['application_credential'], application_credential } };
  }
  const { username, user_domain_name, password, project_name, project_domain_name } = settings;
  const user = { name: username, domain: { name: user_domain_name }, password: password!.reveal() };
  return {
    identity: { methods: ['password'], password: { user } },
    scope:
      project_name === null
        ? { system: { all: true } }
        : { project: { name: project_name, domain: { name: project_domain_name } } },
  };
}
