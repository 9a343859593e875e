import { z } from 'zod';

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
      .describe('How long a password that fitted is not hashed again; 0: hashed each time'),
    failures_per_minute: z
      .int()
      .min(1)
      .default(30)
      .describe(
        'Wrong passwords taken from one address for one user a minute; ten times as many for all users',
      ),
  })
  .prefault({});

/** How clients log in, and what logins may do. */
export const authSection = z
  .strictObject({
    strategy: z
      .enum(['noauth', 'http_basic'])
      .default('noauth')
      .describe(
        '`noauth`: everybody who reaches the API may do everything, refused on an address other than loopback unless ' +
          'allowed below; `http_basic`: users of a file, each of whom may do everything',
      ),
    noauth_on_network: z
      .boolean()
      .default(false)
      .describe('true says that `noauth` on an address other than loopback is meant'),
    http_basic: httpBasic.describe('For `http_basic`'),
  })
  .prefault({})
  .superRefine((auth, context) => {
    if (auth.strategy === 'http_basic' && auth.http_basic.user_file === null) {
      const message = 'is needed where auth.strategy is http_basic';
      context.addIssue({ code: 'custom', path: ['http_basic', 'user_file'], message });
    }
  });

export type AuthSettings = z.output<typeof authSection>;
