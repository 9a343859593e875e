import { z } from 'zod';
import { secret } from '../secret.js';

const port = () => z.int().min(0).max(65_535);

export const listen = (address: string, number: number) =>
  z
    .strictObject({
      address: z.string().default(address).describe('IP address to bind'),
      port: port().default(number).describe('TCP port; 0 lets the system choose'),
    })
    .prefault({});

const allowedHosts = () =>
  z
    .array(z.string().regex(/^[A-Za-z0-9._:-]+$/, 'a name or an address, without port'))
    .default([])
    .describe(
      'Names and addresses under which clients may ask for it (Host), beside its own address, the host name and the public URL',
    );

const limits = (total: number, perClient: number) => ({
  max_connections: z.int().min(1).default(total).describe('Connections at once in all'),
  max_connections_per_client: z
    .int()
    .min(1)
    .default(perClient)
    .describe('Connections at once from one address'),
});

export const apiSection = z
  .strictObject({
    listen: listen('127.0.0.1', 6385).describe('Where operators and clients talk to the Bare Metal API'),
    socket: z
      .string()
      .startsWith('/')
      .max(100)
      .nullable()
      .default(null)
      .describe(
        'Path of a Unix socket (mode 0600) to listen on instead of api.listen: for the daemon’s own account and root alone',
      ),
    allowed_hosts: allowedHosts(),
    ...limits(4096, 1024),
    public_endpoint: z
      .url()
      .nullable()
      .default(null)
      .describe('Base URL in links; null takes the Host header'),
    max_limit: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('Most items of one list answer, and the default'),
    max_body_bytes: z.int().min(1024).default(1_048_576).describe('Largest request body, in bytes'),
    max_provision_body_bytes: z
      .int()
      .min(1024)
      .default(67_108_864)
      .describe('Largest body of PUT states/provision, which may carry a config drive, in bytes'),
  })
  .prefault({});

export const agentSection = z
  .strictObject({
    listen: listen('127.0.0.1', 6386).describe(
      'Where ramdisks look themselves up and heartbeat; no other route is served there',
    ),
    public_url: z
      .url()
      .nullable()
      .default(null)
      .describe('Base URL of that listener as machines see it (ipa-api-url); null makes it from the address'),
    api_ca_file: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'PEM file of certificate authorities that an https public_url may have beside the system’s; discs for virtual media carry it to the ramdisk. Ramdisks that boot from the network are built with it',
      ),
    also_on_api: z
      .boolean()
      .default(false)
      .describe(
        'Whether the operators’ listener (api.listen) takes lookup, heartbeat and continue_inspection too, without a login and by the same rules: for agents that were given it as their ipa-api-url. Ironic has one listener for both',
      ),
    heartbeat_timeout: z
      .int()
      .min(5)
      .default(300)
      .describe('Seconds that the agent may take between heartbeats'),
    require_tls: z.boolean().default(true).describe('Refuse agents whose callback URL is not https'),
    allowed_hosts: allowedHosts(),
    ...limits(4096, 64),
    allowed_networks: z
      .array(z.string())
      .default([])
      .describe(
        'CIDRs whose addresses may look up, heartbeat and fetch boot files; empty: every network. With DHCP of our own only addresses that it gave may, besides',
      ),
    unleased_networks: z
      .array(z.string())
      .default([])
      .describe(
        'CIDRs whose machines get their addresses elsewhere, though DHCP is on: from another server, or by hand. An address there may act for any machine that has no lease',
      ),
    callback_ports: z
      .array(port())
      .default([9999])
      .describe('Ports an agent may name in its callback URL; empty: any'),
    requests_per_minute: z
      .int()
      .min(1)
      .default(600)
      .describe('Lookups and heartbeats taken from one address a minute'),
  })
  .prefault({});

export const databaseSection = z
  .strictObject({
    url: secret()
      .nullable()
      .default(null)
      .describe(
        'postgresql://user:password@host:port/name, or several host:port with commas, of which the primary is used; null starts the embedded PostgreSQL',
      ),
    wait: z
      .int()
      .min(0)
      .default(300)
      .describe('Seconds that the start waits for an outside database that is not there; 0: not at all'),
    account: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
      .default('ferric-postgres')
      .describe(
        'Account of the operating system that the embedded PostgreSQL runs under when the daemon is root; made if it is missing, and nobody else’s',
      ),
    restarts: z
      .int()
      .min(0)
      .default(5)
      .describe(
        'How often in a row an embedded PostgreSQL that ended by itself is started again; then the daemon ends with status 1',
      ),
    pool_size: z.int().min(2).max(200).default(16).describe('Connections to PostgreSQL'),
    statement_timeout: z
      .number()
      .min(1)
      .max(3_600)
      .default(15)
      .describe(
        'Seconds after which PostgreSQL ends a statement; a connection that is silent a third longer is given up',
      ),
    secret_key_file: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'Keys that seal secrets at rest, a line each: number:base64 of 32 bytes. The first seals, all open; null: <data_dir>/secret.key',
      ),
  })
  .prefault({});

export const conductorSection = z
  .strictObject({
    host: z.string().max(255).nullable().default(null).describe('This conductor’s name; null: the host name'),
    heartbeat_interval: z.int().min(1).default(10).describe('Seconds between signs of its own life'),
    heartbeat_timeout: z
      .int()
      .min(2)
      .default(60)
      .describe('Seconds of silence after which a conductor counts as dead'),
    max_concurrent_deploy: z
      .int()
      .min(1)
      .default(250)
      .describe('Nodes in deployment at once; more is answered 503'),
    max_concurrent_clean: z
      .int()
      .min(1)
      .default(50)
      .describe(
        'Nodes in cleaning at once; more is answered 503, cleaning after a tear-down is not held back',
      ),
    lease_seconds: z
      .int()
      .min(5)
      .default(90)
      .describe(
        'How long a reservation lives without renewal; three quarters of it must outlast one agent request',
      ),
    enable_health_monitoring: z
      .boolean()
      .default(true)
      .describe('Record the health that a BMC reports with the power state, by the same request'),
    sync_power_state_interval: z.int().min(0).default(120).describe('Seconds between power syncs; 0: off'),
    sync_power_state_workers: z.int().min(1).default(8).describe('Power reads under way at once in a sync'),
    force_power_state_during_sync: z
      .boolean()
      .default(true)
      .describe('true: bring the machine back to the recorded state; false: record what the machine says'),
    power_state_sync_max_retries: z
      .int()
      .min(0)
      .default(3)
      .describe('Failed reads or corrections before maintenance'),
    power_failure_recovery_interval: z
      .int()
      .min(0)
      .default(300)
      .describe('Seconds between looks at such nodes; 0: off'),
    power_state_change_timeout: z.int().min(1).default(60).describe('Seconds a power change may take'),
    soft_power_off_timeout: z.int().min(1).default(600).describe('Seconds a soft power-off may take'),
    driver_call_timeout: z
      .int()
      .min(60)
      .max(86_400)
      .default(1_800)
      .describe(
        'Seconds that one call of a driver may take in all: one entry of a step, one request to a machine, one clean-up. What hangs longer fails. Transfers of images have limits of their own, and waits have theirs',
      ),
    check_provision_state_interval: z
      .int()
      .min(1)
      .default(60)
      .describe('Seconds between looks at expired waits'),
    check_allocations_interval: z
      .int()
      .min(0)
      .default(60)
      .describe('Seconds between looks at allocations that a dead conductor left undecided; 0: off'),
    deploy_callback_timeout: z.int().min(0).default(1800).describe('Seconds in wait call-back; 0: no limit'),
    clean_callback_timeout: z.int().min(0).default(1800).describe('Seconds in clean wait; 0: no limit'),
    inspect_wait_timeout: z.int().min(0).default(1800).describe('Seconds in inspect wait; 0: no limit'),
    rescue_callback_timeout: z.int().min(0).default(1800).describe('Seconds in rescue wait; 0: no limit'),
    service_callback_timeout: z.int().min(0).default(1800).describe('Seconds in service wait; 0: no limit'),
    automated_clean: z.boolean().default(true).describe('Clean on `provide` and after tear-down'),
    allow_deleting_available_nodes: z.boolean().default(true).describe('Nodes in `available` may be deleted'),
    node_history_max_entries: z.int().min(0).default(300).describe('Events kept for each node; 0: no limit'),
    nodeless_history_max_entries: z
      .int()
      .min(0)
      .default(100_000)
      .describe(
        'Events kept of changes of what belongs to no node, such as images and deploy templates; 0: no limit',
      ),
    node_history_max_days: z.int().min(0).default(365).describe('Days that events are kept; 0: no limit'),
    operation_max_entries: z
      .int()
      .min(0)
      .default(100)
      .describe('Finished operations kept for each node, with their steps; 0: no limit'),
    operation_max_days: z
      .int()
      .min(0)
      .default(90)
      .describe('Days that finished operations are kept; 0: no limit'),
    history_cleanup_interval: z
      .int()
      .min(0)
      .default(3_600)
      .describe(
        'Seconds between looks for events and operations to delete, the first soon after the start; 0: never',
      ),
    node_locked_retry_attempts: z.int().min(0).default(3).describe('Tries for a locked node before 409'),
    node_locked_retry_interval: z.number().min(0).default(1).describe('Seconds between those tries'),
    deploy_kernel: z.string().nullable().default(null).describe('Used where driver_info names none'),
    deploy_ramdisk: z.string().nullable().default(null).describe('Used where driver_info names none'),
    rescue_kernel: z.string().nullable().default(null).describe('Used where driver_info names none'),
    rescue_ramdisk: z.string().nullable().default(null).describe('Used where driver_info names none'),
    rescue_password_hash_algorithm: z
      .enum(['sha256', 'sha512'])
      .default('sha256')
      .describe('How a rescue password is hashed before the ramdisk gets it'),
    failpoint: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'For fault tests: `name` or `name#n`; the daemon kills itself when it gets there the n-th time',
      ),
  })
  .prefault({});

export type ConductorSettings = z.output<typeof conductorSection>;

export const logSection = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('Least severe line written'),
  })
  .prefault({});
