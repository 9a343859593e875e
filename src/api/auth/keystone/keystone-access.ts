import type { IncomingMessage } from 'node:http';
import type { AuthSettings } from '../../../config/section/auth.js';
import type { Logger } from '../../../platform/logger.js';
import { Access, type Login, LoginRefused } from '../access.js';
import type { Subject } from '../who.js';
import { KeystoneClient } from './keystone-client.js';
import type { TokenFacts } from './token.js';
import { TokenCache } from './token-cache.js';

/** Longer than any token; a value that no Keystone token can have is refused without a query. */
const TOKEN = /^[\x21-\x7e]{1,8192}$/;

/** Keystone tokens, whose roles and scope the policies judge. */
export class KeystoneAccess extends Access {
  readonly #client: KeystoneClient;
  readonly #tokens: TokenCache;

  /** @param now ms on a monotonic clock */
  constructor(
    private readonly settings: AuthSettings,
    log: Logger,
    now: () => number = () => performance.now(),
  ) {
    super();
    const { keystone } = settings;
    this.#client = new KeystoneClient(keystone, log, now);
    const seconds = { valid: keystone.cache_seconds, refused: keystone.rejected_cache_seconds };
    this.#tokens = new TokenCache((token) => this.#client.validate(token), seconds, now);
  }

  override async login(request: IncomingMessage): Promise<Login> {
    const token = request.headers['x-auth-token'];
    const facts = typeof token === 'string' && TOKEN.test(token) ? await this.#tokens.get(token) : null;
    if (!facts) throw this.#refused();
    return { user: facts.user, project: facts.project?.id ?? null, subject: this.#subjectOf(facts) };
  }

  override async close(): Promise<void> {
    this.#client.close();
  }

  #subjectOf({ roles, project, system }: TokenFacts): Subject {
    const { rbac_service_role_elevated_access, rbac_service_project_name } = this.settings;
    return {
      roles: new Set(roles),
      project: project?.id ?? null,
      system,
      servesAll: rbac_service_role_elevated_access && project?.name === rbac_service_project_name,
      managesOwn: this.settings.project_admin_can_manage_own_nodes,
    };
  }

  #refused(): LoginRefused {
    const { public_url, url } = this.settings.keystone;
    return new LoginRefused(
      'The request you have made requires authentication.',
      `Keystone uri="${public_url ?? url}"`,
      'Unauthorized',
    );
  }
}
