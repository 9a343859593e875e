import { z } from 'zod';
import { secret } from '../secret.js';

const httpBasic = z
  .strictObject({
    user_file: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe('File of `user:bcrypt` lines as htpasswd -B writes them; read again when it changes'),
    cache_seconds: z
      .number()
      .min(0)
      .max(3600)
      .default(60)
      .describe(
        'How long after its last use a password that fitted is not hashed again; 0: hashed each time',
      ),
    failures_per_minute: z
      .int()
      .min(1)
      .default(30)
      .describe(
        'Wrong passwords taken from one address for one user a minute; ten times as many for all users',
      ),
  })
  .prefault({});

const url = () => z.url({ protocol: /^https?$/ });
const name = () => z.string().min(1);

const keystone = z
  .strictObject({
    url: url()
      .nullable()
      .default(null)
      .describe('The Identity service (Keystone), version 3; with or without /v3'),
    public_url: url()
      .nullable()
      .default(null)
      .describe('Where clients without a token are sent (WWW-Authenticate); null: `url`'),
    username: name().nullable().default(null).describe('Ferric’s own user, who may validate tokens'),
    password: secret().nullable().default(null).describe('Its password'),
    user_domain_name: name().default('Default').describe('Its domain'),
    project_name: name()
      .nullable()
      .default('service')
      .describe('The project it logs in to; null: the system'),
    project_domain_name: name().default('Default').describe('That project’s domain'),
    application_credential_id: name()
      .nullable()
      .default(null)
      .describe('An application credential instead of user and password'),
    application_credential_secret: secret().nullable().default(null).describe('Its secret'),
    cache_seconds: z
      .number()
      .min(0)
      .max(3600)
      .default(300)
      .describe(
        'How long a valid token is not asked about again, never beyond its own end: as long a revoked one lives',
      ),
    rejected_cache_seconds: z
      .number()
      .min(0)
      .max(300)
      .default(10)
      .describe('How long a refused token is not asked about again'),
    ca_file: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe('PEM file of certificate authorities that Keystone may have beside the system’s'),
    timeout: z.number().min(0.1).max(120).default(10).describe('Seconds that Keystone may be silent'),
  })
  .prefault({});

/** How clients authenticate, and what each login may do. */
export const authSection = z
  .strictObject({
    strategy: z
      .enum(['noauth', 'http_basic', 'keystone'])
      .default('noauth')
      .describe(
        '`noauth`: everybody who reaches the API may do everything, refused on an address other than loopback unless ' +
          'allowed below; `http_basic`: users of a file, each of whom may do everything; `keystone`: tokens, judged by ' +
          'Ironic’s policies',
      ),
    noauth_on_network: z
      .boolean()
      .default(false)
      .describe('true says that `noauth` on an address other than loopback is meant'),
    project_admin_can_manage_own_nodes: z
      .boolean()
      .default(true)
      .describe(
        'Under `keystone`: admins and services of a project may create nodes that it owns; its admins, delete them',
      ),
    rbac_service_role_elevated_access: z
      .boolean()
      .default(false)
      .describe('Under `keystone`: the role `service` in the project below is as good as in the system'),
    rbac_service_project_name: name().default('service').describe('That project'),
    http_basic: httpBasic.describe('For `http_basic`'),
    keystone: keystone.describe('For `keystone`'),
  })
  .prefault({})
  .superRefine((auth, context) => {
    if (auth.strategy === 'http_basic' && auth.http_basic.user_file === null) {
      const message = 'is needed where auth.strategy is http_basic';
      context.addIssue({ code: 'custom', path: ['http_basic', 'user_file'], message });
    }
    if (auth.strategy === 'keystone') checkKeystone(auth.keystone, context);
  });

export type AuthSettings = z.output<typeof authSection>;

function checkKeystone(of: z.output<typeof keystone>, context: z.RefinementCtx): void {
  const missing = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: ['keystone', key], message });
  if (of.url === null) missing('url', 'is needed where auth.strategy is keystone');
  if (of.application_credential_id !== null) {
    if (of.application_credential_secret === null)
      missing('application_credential_secret', 'is needed with the credential’s id');
  } else if (of.username === null || of.password === null) {
    missing('username', 'username and password, or an application credential, are needed to validate tokens');
  }
}
