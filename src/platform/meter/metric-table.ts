/** One metric. Its name is `ferric_` and its key in METRICS. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, ascending; +Inf is added. */
  readonly buckets?: readonly number[];
}

const STAGE = [1, 5, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600];
const OPERATION = [...STAGE, 7200];
const BMC = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60];
const QUERY = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15];
const REQUEST = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Every metric, by the rules of https://prometheus.io/docs/practices/naming/: base units, `_total` on counters only. No
 * label's value is a node, a user, a path or an address: the number of series does not grow with the fleet.
 */
export const METRICS = {
  build_info: { type: 'gauge', help: 'What runs; always 1.', labels: ['version', 'node'] },
  ready: { type: 'gauge', help: 'Whether a component can do its work: 1 or 0.', labels: ['component'] },

  nodes: { type: 'gauge', help: 'Nodes.', labels: ['provision_state', 'maintenance'] },
  nodes_power: { type: 'gauge', help: 'Nodes by their last known power state.', labels: ['power_state'] },
  nodes_fault: { type: 'gauge', help: 'Nodes that the daemon put in maintenance.', labels: ['fault'] },
  state_transitions_total: {
    type: 'counter',
    help: 'Moves of nodes through the provision states.',
    labels: ['from', 'to'],
  },
  state_duration_seconds: {
    type: 'histogram',
    help: 'How long nodes were in a state that they left.',
    labels: ['state'],
    buckets: OPERATION,
  },

  operations_total: { type: 'counter', help: 'Operations that ended.', labels: ['kind', 'outcome'] },
  operation_failures_total: {
    type: 'counter',
    help: 'Operations that failed, by the step that failed and the code of its error.',
    labels: ['kind', 'stage', 'reason'],
  },
  operation_stages_total: {
    type: 'counter',
    help: 'Steps of operations that ended.',
    labels: ['kind', 'stage', 'outcome'],
  },
  operation_stage_duration_seconds: {
    type: 'histogram',
    help: 'How long steps of operations took, of those that began in this process.',
    labels: ['kind', 'stage', 'outcome'],
    buckets: STAGE,
  },
  operation_duration_seconds: {
    type: 'histogram',
    help: 'How long operations took, of those that began in this process.',
    labels: ['kind', 'outcome'],
    buckets: OPERATION,
  },
  operations_open: { type: 'gauge', help: 'Operations under way.', labels: ['kind', 'state'] },
  operation_oldest_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest operation under way.',
    labels: ['kind', 'state'],
  },

  ipmi_packets_total: {
    type: 'counter',
    help: 'Packets of the native IPMI link: sent, repeated, answers, and those that were dropped.',
    labels: ['fate'],
  },
  ipmi_held_bmcs: {
    type: 'gauge',
    help: 'BMCs that ipmitool has taken over from the native link.',
    labels: [],
  },
  ipmi_shadow_reads_total: {
    type: 'counter',
    help: 'Reads that both IPMI links made: same, different, failed by the second.',
    labels: ['outcome'],
  },

  bmc_commands_total: { type: 'counter', help: 'Commands to BMCs.', labels: ['outcome'] },
  bmc_command_duration_seconds: {
    type: 'histogram',
    help: 'How long commands to BMCs took.',
    labels: ['outcome'],
    buckets: BMC,
  },
  bmc_command_wait_seconds: {
    type: 'histogram',
    help: 'How long commands waited for their BMC’s turn.',
    labels: [],
    buckets: BMC,
  },
  bmc_lane_running: { type: 'gauge', help: 'Commands under way to BMCs.', labels: ['lane'] },
  bmc_queued: { type: 'gauge', help: 'Commands to BMCs whose turn has not come.', labels: [] },
  bmc_queue_oldest_seconds: { type: 'gauge', help: 'How long the oldest of those has waited.', labels: [] },

  agent_heartbeats_total: { type: 'counter', help: 'Heartbeats of agents.', labels: ['outcome'] },
  agent_heartbeat_duration_seconds: {
    type: 'histogram',
    help: 'How long heartbeats took, until the work that waited for them was woken.',
    labels: [],
    buckets: REQUEST,
  },
  agent_lookups_total: { type: 'counter', help: 'Lookups of agents.', labels: ['outcome'] },
  agent_requests_total: { type: 'counter', help: 'Requests to agents.', labels: ['outcome'] },
  agent_request_duration_seconds: {
    type: 'histogram',
    help: 'How long requests to agents took.',
    labels: ['outcome'],
    buckets: BMC,
  },

  image_cache_bytes: { type: 'gauge', help: 'Disk space of the cached images.', labels: [] },
  image_cache_files: { type: 'gauge', help: 'Cached images, conversions included.', labels: [] },
  image_cache_hits_total: {
    type: 'counter',
    help: 'Requests for an image that needed no transfer.',
    labels: [],
  },
  image_cache_misses_total: {
    type: 'counter',
    help: 'Requests for an image that needed a transfer or a conversion.',
    labels: [],
  },
  image_cache_evictions_total: {
    type: 'counter',
    help: 'Images removed from the cache.',
    labels: ['reason'],
  },
  image_download_bytes_total: { type: 'counter', help: 'Bytes of images transferred.', labels: [] },
  image_download_duration_seconds: {
    type: 'histogram',
    help: 'How long transfers of images took.',
    labels: ['outcome'],
    buckets: STAGE,
  },

  dhcp_messages_total: {
    type: 'counter',
    help: 'DHCP messages of known machines.',
    labels: ['direction', 'type'],
  },
  dhcp_ignored_total: { type: 'counter', help: 'DHCP messages without an answer.', labels: ['reason'] },
  dhcp_foreign_servers: {
    type: 'gauge',
    help: 'Other DHCP servers that known machines chose in the last hour.',
    labels: [],
  },
  dhcp_leases: {
    type: 'gauge',
    help: 'Addresses that DHCP gave or set aside, whose time is not over.',
    labels: ['state'],
  },
  tftp_transfers_total: { type: 'counter', help: 'TFTP requests.', labels: ['outcome'] },
  tftp_bytes_total: { type: 'counter', help: 'Bytes of files that TFTP clients acknowledged.', labels: [] },
  tftp_sessions: { type: 'gauge', help: 'TFTP transfers under way.', labels: [] },
  boot_http_requests_total: {
    type: 'counter',
    help: 'Requests to the HTTP boot server.',
    labels: ['status'],
  },
  boot_http_bytes_total: {
    type: 'counter',
    help: 'Bytes of files sent by the HTTP boot server.',
    labels: [],
  },

  http_requests_total: {
    type: 'counter',
    help: 'Requests to the APIs.',
    labels: ['listener', 'method', 'route', 'status'],
  },
  http_request_duration_seconds: {
    type: 'histogram',
    help: 'How long answers of the APIs took.',
    labels: ['listener', 'route'],
    buckets: REQUEST,
  },
  http_in_flight: { type: 'gauge', help: 'Requests to the APIs under way.', labels: ['listener'] },

  periodic_runs_total: { type: 'counter', help: 'Runs of periodic tasks.', labels: ['task', 'outcome'] },
  periodic_duration_seconds: {
    type: 'histogram',
    help: 'How long runs of periodic tasks took.',
    labels: ['task'],
    buckets: BMC,
  },

  db_up: { type: 'gauge', help: 'Whether the database answered this scrape: 1 or 0.', labels: [] },
  db_pool_size: { type: 'gauge', help: 'Connections to the database.', labels: [] },
  db_pool_idle: { type: 'gauge', help: 'Connections that nobody uses now.', labels: [] },
  db_pool_waiting: { type: 'gauge', help: 'Queries that wait for a connection.', labels: [] },
  db_query_duration_seconds: {
    type: 'histogram',
    help: 'How long statements took, without the wait for a connection.',
    labels: ['kind'],
    buckets: QUERY,
  },
  conductor_last_heartbeat_timestamp_seconds: {
    type: 'gauge',
    help: 'When a conductor last renewed its record.',
    labels: ['conductor'],
  },
  handler_faults_total: {
    type: 'counter',
    help: 'Faults that were contained at a handler.',
    labels: ['handler'],
  },
  log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines that standard output did not take in time.',
    labels: [],
  },
  metrics_series_refused_total: {
    type: 'counter',
    help: 'Samples of label values beyond the limit of a metric, counted as "other".',
    labels: ['metric'],
  },
  eventloop_lag_seconds: {
    type: 'gauge',
    help: 'How late the event loop ran, since the scrape before.',
    // promtool accepts the label `quantile` in summaries only.
    labels: ['statistic'],
  },
} as const satisfies Record<string, MetricDefinition>;

/**
 * Metrics of the process under standard names: prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics.
 */
export const PROCESS_METRICS = {
  process_cpu_seconds_total: { type: 'counter', help: 'CPU time of user and system.', labels: [] },
  process_start_time_seconds: { type: 'gauge', help: 'When the process began, since the epoch.', labels: [] },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory.', labels: [] },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors.', labels: [] },
  nodejs_heap_size_used_bytes: { type: 'gauge', help: 'Heap that is used.', labels: [] },
  nodejs_external_memory_bytes: { type: 'gauge', help: 'Memory of buffers and of native code.', labels: [] },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

type OfType<Type> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];
export type CounterName = OfType<'counter'>;
export type GaugeName = OfType<'gauge'>;
export type HistogramName = OfType<'histogram'>;
/** A value for each label of a metric, and for no other. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string>
>;
