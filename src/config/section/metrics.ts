import { z } from 'zod';
import { secret } from '../secret.js';

export const metricsSection = z
  .strictObject({
    listen: z
      .ipv4()
      .or(z.ipv6())
      .nullable()
      .default(null)
      .describe('IP address for /metrics, /livez and /readyz; null: off'),
    port: z.int().min(0).max(65_535).default(6387).describe('TCP port; 0 lets the system choose'),
    token: secret()
      .nullable()
      .default(null)
      .describe(
        'Bearer token for /metrics and for the details of /readyz; needed where metrics.listen is not loopback',
      ),
    allowed_hosts: z
      .array(z.string().regex(/^[A-Za-z0-9._:-]+$/, 'a name or an address, without port'))
      .default([])
      .describe(
        'Names and addresses under which scrapers may ask for it (Host), beside its own and the host name',
      ),
    max_connections: z.int().min(1).default(64).describe('Connections at once in all'),
    max_connections_per_client: z.int().min(1).default(16).describe('Connections at once from one address'),
  })
  .prefault({});

export type MetricsSettings = z.output<typeof metricsSection>;
