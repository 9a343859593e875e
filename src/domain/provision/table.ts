/**
 * The provision state machine, as data. Source: ironic/common/states.py. No other file lists states or transitions: the
 * lint rule `scripts/lint/provision-states.js` knows their names. The unions below derive from these tables.
 */

interface StateRow {
  /** The node stays here until a client asks for something. */
  stable?: true;
  /** `target_provision_state` on entry, unless the transition names another. */
  target?: string;
  /** A conductor works on the node: the event when that conductor died and the step cannot be run again. */
  onConductorLoss?: 'fail';
  /** Waiting for a ramdisk or a poll; the timeout fires `fail`. */
  wait?: true;
  /** PATCH may edit the node while a verb is under way (UPDATE_ALLOWED_STATES). */
  nodeUpdatable?: true;
  /** The node may be deleted (DELETE_ALLOWED_STATES); the number is the state's place in the list of a refusal. */
  deletable?: number;
  /** … only if `conductor.allow_deleting_available_nodes` is set. */
  deletableIfAllowed?: true;
  /** A ramdisk may look the node up. */
  ramdiskLookup?: true;
  /** A ramdisk may look the node up with fast track only. */
  fastTrackLookup?: true;
  /** `*_interface` and `resource_class` may be changed; the number is the state's place in the list of a refusal. */
  interfaceEditable?: number;
  /** Connectivity fields of ports may be changed; a number as above. */
  cablingEditable?: number;
  /** The node may be made protected. */
  protectable?: true;
  /** The node is in the pool: it may not be retired. */
  inPool?: true;
  /** A rescue is under way or finished: a tear-down first ends it (manager._do_node_tear_down). */
  rescued?: true;
  /** An operator's power action is refused. */
  powerLocked?: true;
  /** The periodic power sync skips the node (SYNC_EXCLUDED_STATES). */
  powerNotSynced?: true;
}

export const STATES = {
  enroll: {
    stable: true,
    deletable: 2,
    interfaceEditable: 1,
    cablingEditable: 1,
    fastTrackLookup: true,
    powerNotSynced: true,
  },
  verifying: { target: 'manageable', onConductorLoss: 'fail', nodeUpdatable: true, powerNotSynced: true },
  manageable: { stable: true, deletable: 1, interfaceEditable: 4, cablingEditable: 4, fastTrackLookup: true },
  available: {
    stable: true,
    deletable: 4,
    deletableIfAllowed: true,
    interfaceEditable: 5,
    inPool: true,
    fastTrackLookup: true,
  },
  deploying: { target: 'active', onConductorLoss: 'fail', ramdiskLookup: true },
  'wait call-back': { target: 'active', wait: true, ramdiskLookup: true, powerNotSynced: true },
  'deploy hold': { target: 'active' },
  'deploy failed': { target: 'active', nodeUpdatable: true },
  active: { stable: true, protectable: true },
  deleting: { target: 'available', onConductorLoss: 'fail' },
  error: { stable: true, nodeUpdatable: true },
  cleaning: { target: 'available', onConductorLoss: 'fail', ramdiskLookup: true, powerLocked: true },
  'clean wait': {
    target: 'available',
    wait: true,
    ramdiskLookup: true,
    powerLocked: true,
    powerNotSynced: true,
  },
  'clean hold': { target: 'available' },
  'clean failed': { target: 'available', nodeUpdatable: true },
  inspecting: {
    target: 'manageable',
    onConductorLoss: 'fail',
    nodeUpdatable: true,
    ramdiskLookup: true,
    interfaceEditable: 2,
    cablingEditable: 2,
  },
  'inspect wait': {
    target: 'manageable',
    wait: true,
    nodeUpdatable: true,
    ramdiskLookup: true,
    interfaceEditable: 3,
    cablingEditable: 3,
  },
  'inspect failed': { target: 'manageable', nodeUpdatable: true },
  adopting: { target: 'active', onConductorLoss: 'fail' },
  'adopt failed': { target: 'active', nodeUpdatable: true, deletable: 3, powerNotSynced: true },
  rescuing: { target: 'rescue', onConductorLoss: 'fail', ramdiskLookup: true },
  'rescue wait': { target: 'rescue', wait: true, ramdiskLookup: true, rescued: true },
  rescue: { stable: true, protectable: true, rescued: true },
  'rescue failed': { target: 'rescue', nodeUpdatable: true, rescued: true },
  unrescuing: { target: 'active', onConductorLoss: 'fail' },
  'unrescue failed': { target: 'active', nodeUpdatable: true, rescued: true },
  servicing: { target: 'active', onConductorLoss: 'fail', fastTrackLookup: true },
  'service wait': { target: 'active', wait: true, ramdiskLookup: true },
  'service hold': { target: 'active', nodeUpdatable: true, fastTrackLookup: true },
  'service failed': { target: 'active', nodeUpdatable: true },
} as const satisfies Record<string, StateRow>;

interface VerbRow {
  event: string;
  /** First microversion. */
  since: number;
  /**
   * The name of the operation in Ironic's refusal for a node in maintenance (NodeInMaintenance); null: the verb is
   * allowed there. The automated cleaning of `provide` begins, and pauses as soon as it waits for the ramdisk (Ironic's
   * default of allow_provisioning_in_maintenance).
   */
  refusedInMaintenance: string | null;
}

/** The verbs of `PUT /states/provision`. */
export const VERBS = {
  active: { event: 'deploy', since: 1, refusedInMaintenance: 'provisioning' },
  deploy: { event: 'deploy', since: 73, refusedInMaintenance: 'provisioning' },
  rebuild: { event: 'rebuild', since: 1, refusedInMaintenance: 'provisioning' },
  deleted: { event: 'delete', since: 1, refusedInMaintenance: null },
  // Came with 1.73, but Ironic's MIN_VERB_VERSIONS lists it under a name that is never looked up.
  undeploy: { event: 'delete', since: 1, refusedInMaintenance: null },
  manage: { event: 'manage', since: 4, refusedInMaintenance: null },
  provide: { event: 'provide', since: 4, refusedInMaintenance: null },
  inspect: { event: 'inspect', since: 6, refusedInMaintenance: null },
  abort: { event: 'abort', since: 13, refusedInMaintenance: null },
  clean: { event: 'clean', since: 15, refusedInMaintenance: 'cleaning' },
  adopt: { event: 'adopt', since: 17, refusedInMaintenance: null },
  rescue: { event: 'rescue', since: 38, refusedInMaintenance: 'rescuing' },
  unrescue: { event: 'unrescue', since: 38, refusedInMaintenance: 'unrescuing' },
  unhold: { event: 'unhold', since: 85, refusedInMaintenance: null },
  service: { event: 'service', since: 87, refusedInMaintenance: 'service' },
} as const satisfies Record<string, VerbRow>;

interface TransitionRow {
  from: keyof typeof STATES;
  on: string;
  to: keyof typeof STATES;
  /** An operator's verb; otherwise fired by conductor, agent or timer. */
  api?: true;
  /** `target_provision_state` where it is not the state's own. */
  target?: keyof typeof STATES;
  /** Effect on the times of an inspection (db/sqlalchemy/api.py: _do_update_node). */
  inspection?: 'begins' | 'ends' | 'fails';
  /** Refused for a node in maintenance, though its verb is not (Ironic: manager.py, do_provisioning_action). */
  notInMaintenance?: true;
}

export const TRANSITIONS = [
  { from: 'enroll', on: 'manage', to: 'verifying', api: true },
  { from: 'verifying', on: 'done', to: 'manageable' },
  { from: 'verifying', on: 'fail', to: 'enroll' },

  { from: 'manageable', on: 'provide', to: 'cleaning', api: true },
  { from: 'manageable', on: 'clean', to: 'cleaning', api: true, target: 'manageable' },
  { from: 'manageable', on: 'inspect', to: 'inspecting', api: true, inspection: 'begins' },
  { from: 'manageable', on: 'adopt', to: 'adopting', api: true },

  { from: 'available', on: 'deploy', to: 'deploying', api: true },
  { from: 'available', on: 'manage', to: 'manageable', api: true },

  { from: 'deploying', on: 'done', to: 'active' },
  { from: 'deploying', on: 'wait', to: 'wait call-back' },
  { from: 'deploying', on: 'hold', to: 'deploy hold' },
  { from: 'deploying', on: 'fail', to: 'deploy failed' },
  { from: 'wait call-back', on: 'abort', to: 'deploy failed', api: true },
  { from: 'wait call-back', on: 'delete', to: 'deleting', api: true },
  { from: 'wait call-back', on: 'resume', to: 'deploying' },
  { from: 'wait call-back', on: 'hold', to: 'deploy hold' },
  { from: 'wait call-back', on: 'fail', to: 'deploy failed' },
  { from: 'deploy hold', on: 'unhold', to: 'wait call-back', api: true },
  { from: 'deploy hold', on: 'abort', to: 'deploy failed', api: true },
  { from: 'deploy failed', on: 'deploy', to: 'deploying', api: true },
  { from: 'deploy failed', on: 'rebuild', to: 'deploying', api: true },
  { from: 'deploy failed', on: 'delete', to: 'deleting', api: true },

  { from: 'active', on: 'rebuild', to: 'deploying', api: true },
  { from: 'active', on: 'delete', to: 'deleting', api: true },
  { from: 'active', on: 'rescue', to: 'rescuing', api: true },
  { from: 'active', on: 'service', to: 'servicing', api: true },
  { from: 'deleting', on: 'clean', to: 'cleaning' },
  { from: 'deleting', on: 'fail', to: 'error' },
  { from: 'error', on: 'rebuild', to: 'deploying', api: true },
  { from: 'error', on: 'delete', to: 'deleting', api: true },

  { from: 'cleaning', on: 'done', to: 'available' },
  { from: 'cleaning', on: 'manage', to: 'manageable' },
  { from: 'cleaning', on: 'wait', to: 'clean wait' },
  { from: 'cleaning', on: 'hold', to: 'clean hold' },
  { from: 'cleaning', on: 'fail', to: 'clean failed' },
  { from: 'clean wait', on: 'abort', to: 'clean failed', api: true },
  { from: 'clean wait', on: 'resume', to: 'cleaning' },
  { from: 'clean wait', on: 'hold', to: 'clean hold' },
  { from: 'clean wait', on: 'fail', to: 'clean failed' },
  { from: 'clean hold', on: 'unhold', to: 'clean wait', api: true },
  { from: 'clean hold', on: 'abort', to: 'clean failed', api: true },
  { from: 'clean failed', on: 'manage', to: 'manageable', api: true },

  { from: 'inspecting', on: 'done', to: 'manageable', inspection: 'ends' },
  { from: 'inspecting', on: 'wait', to: 'inspect wait' },
  { from: 'inspecting', on: 'fail', to: 'inspect failed', inspection: 'fails' },
  { from: 'inspect wait', on: 'abort', to: 'inspect failed', api: true, inspection: 'fails' },
  { from: 'inspect wait', on: 'done', to: 'manageable', inspection: 'ends' },
  { from: 'inspect wait', on: 'resume', to: 'inspecting', inspection: 'begins' },
  { from: 'inspect wait', on: 'fail', to: 'inspect failed', inspection: 'fails' },
  { from: 'inspect failed', on: 'manage', to: 'manageable', api: true },
  { from: 'inspect failed', on: 'inspect', to: 'inspecting', api: true, inspection: 'begins' },

  { from: 'adopting', on: 'done', to: 'active' },
  { from: 'adopting', on: 'fail', to: 'adopt failed' },
  { from: 'adopt failed', on: 'adopt', to: 'adopting', api: true },
  { from: 'adopt failed', on: 'manage', to: 'manageable', api: true },

  { from: 'rescuing', on: 'done', to: 'rescue' },
  { from: 'rescuing', on: 'wait', to: 'rescue wait' },
  { from: 'rescuing', on: 'fail', to: 'rescue failed' },
  { from: 'rescue wait', on: 'abort', to: 'rescue failed', api: true },
  { from: 'rescue wait', on: 'delete', to: 'deleting', api: true },
  { from: 'rescue wait', on: 'resume', to: 'rescuing' },
  { from: 'rescue wait', on: 'fail', to: 'rescue failed' },
  { from: 'rescue', on: 'rescue', to: 'rescuing', api: true },
  { from: 'rescue', on: 'unrescue', to: 'unrescuing', api: true },
  { from: 'rescue', on: 'delete', to: 'deleting', api: true },
  { from: 'rescue failed', on: 'rescue', to: 'rescuing', api: true },
  { from: 'rescue failed', on: 'unrescue', to: 'unrescuing', api: true },
  { from: 'rescue failed', on: 'delete', to: 'deleting', api: true },
  { from: 'unrescuing', on: 'done', to: 'active' },
  { from: 'unrescuing', on: 'fail', to: 'unrescue failed' },
  { from: 'unrescue failed', on: 'rescue', to: 'rescuing', api: true },
  { from: 'unrescue failed', on: 'unrescue', to: 'unrescuing', api: true },
  { from: 'unrescue failed', on: 'delete', to: 'deleting', api: true },

  { from: 'servicing', on: 'done', to: 'active' },
  { from: 'servicing', on: 'wait', to: 'service wait' },
  { from: 'servicing', on: 'hold', to: 'service hold' },
  { from: 'servicing', on: 'fail', to: 'service failed' },
  { from: 'service wait', on: 'abort', to: 'service failed', api: true },
  { from: 'service wait', on: 'delete', to: 'deleting', api: true },
  { from: 'service wait', on: 'resume', to: 'servicing' },
  { from: 'service wait', on: 'hold', to: 'service hold' },
  { from: 'service wait', on: 'fail', to: 'service failed' },
  { from: 'service hold', on: 'unhold', to: 'service wait', api: true },
  { from: 'service hold', on: 'service', to: 'servicing', api: true },
  { from: 'service hold', on: 'abort', to: 'service failed', api: true },
  { from: 'service hold', on: 'fail', to: 'service failed' },
  { from: 'service failed', on: 'service', to: 'servicing', api: true },
  { from: 'service failed', on: 'rescue', to: 'rescuing', api: true },
  { from: 'service failed', on: 'delete', to: 'deleting', api: true },
  { from: 'service failed', on: 'abort', to: 'active', api: true, notInMaintenance: true },
  { from: 'service failed', on: 'wait', to: 'service wait' },
  { from: 'service failed', on: 'hold', to: 'service hold' },
] as const satisfies readonly TransitionRow[];

export type ProvisionState = keyof typeof STATES;
export type ProvisionVerb = keyof typeof VERBS;
export type ProvisionEvent = (typeof TRANSITIONS)[number]['on'];
export type StateFacts = StateRow;
export type Transition = TransitionRow & { on: ProvisionEvent };
