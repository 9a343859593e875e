import type { StepKind } from '../../driver/contract/step.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { OperationKind } from '../../persistence/operation/operation.repository.js';
import type { Workflow } from './workflow.js';

const failing = (text: string, aborted: boolean, message: string | null): string =>
  aborted ? `${text} was aborted by the operator.` : `${text} failed: ${message}`;
/** @param executing `interface.step`, null before the first */
const byRequest = (what: string, executing: string | null): string =>
  `By request, the ${what} operation was aborted` +
  (executing ? ` during or after the completion of step "${executing}"` : '');
const aborting = (aborted: boolean) => (aborted ? (['abort', 'fail'] as const) : (['fail'] as const));
const deployCleansUp =
  (kind: StepKind): Workflow['cleanUp'] =>
  (context, operation) =>
    context.all.deploy.cleanUpFailure(context, { ...operation, kind });
/** Nobody should use the node before somebody has looked at it. What an operator said of its maintenance stands. */
const outOfUse = (node: Node, reason: string, fault: string) => ({
  maintenance: true,
  maintenance_reason: (node.maintenance && node.maintenance_reason) || reason,
  fault,
});

/** Every kind of operation. */
export const WORKFLOWS: Readonly<Record<OperationKind, Workflow>> = {
  verify: {
    kind: 'verify',
    waits: false,
    timeout: 'deploy_callback_timeout',
    restsInMaintenance: false,
    cleanUp: null,
    succeed: () => ({ event: 'done', changes: { last_error: null } }),
    fail: ({ message }) => ({
      events: ['fail'],
      changes: { last_error: `Failed to verify the node's power state: ${message}` },
    }),
  },
  deploy: {
    kind: 'deploy',
    waits: true,
    timeout: 'deploy_callback_timeout',
    restsInMaintenance: true,
    cleanUp: deployCleansUp('deploy'),
    succeed: () => ({ event: 'done', changes: { last_error: null } }),
    fail: ({ aborted, message }) => ({
      events: aborting(aborted),
      changes: { last_error: failing('Deployment', aborted, message) },
    }),
  },
  clean: {
    kind: 'clean',
    waits: true,
    timeout: 'clean_callback_timeout',
    restsInMaintenance: true,
    cleanUp: deployCleansUp('clean'),
    succeed: (node) => ({
      // A retired node never comes back into the pool (Ironic: cleaning.py, do_next_clean_step).
      event: node.target_provision_state === 'manageable' || node.retired ? 'manage' : 'done',
      changes: { last_error: null },
    }),
    fail: ({ node, aborted, message, executing }) => ({
      events: aborting(aborted),
      changes: {
        last_error: aborted ? byRequest('clean', executing) : failing('Cleaning', false, message),
        // A disk may be half erased.
        ...(executing && !aborted
          ? outOfUse(node, failing('Cleaning', false, message), 'clean failure')
          : {}),
      },
    }),
  },
  teardown: {
    kind: 'teardown',
    waits: false,
    timeout: 'deploy_callback_timeout',
    restsInMaintenance: false,
    cleanUp: null,
    // What belonged to the instance goes with it; the automatic cleaning that follows knows nothing of it.
    succeed: () => ({
      event: 'clean',
      changes: { last_error: null, instance_info: {}, instance_uuid: null, instance_name: null },
    }),
    fail: ({ message }) => ({ events: ['fail'], changes: { last_error: `Error in tear down: ${message}` } }),
  },
  inspect: {
    kind: 'inspect',
    waits: true,
    timeout: 'inspect_wait_timeout',
    restsInMaintenance: false,
    cleanUp: (context) => context.all.inspect.cleanUp(context),
    succeed: () => ({ event: 'done', changes: { last_error: null } }),
    fail: ({ aborted, message }) => ({
      events: aborting(aborted),
      changes: {
        last_error: aborted
          ? 'Inspection was aborted by request.'
          : `Failed to inspect hardware. Reason: ${message}`,
      },
    }),
  },
  adopt: {
    kind: 'adopt',
    waits: false,
    timeout: 'deploy_callback_timeout',
    restsInMaintenance: false,
    cleanUp: null,
    succeed: () => ({ event: 'done', changes: { last_error: null } }),
    fail: ({ node, message }) => ({
      events: ['fail'],
      changes: {
        last_error: `Error while attempting to adopt node ${node.uuid}: ${message}.`,
        // What was read before it may not hold.
        power_state: null,
      },
    }),
  },
  rescue: {
    kind: 'rescue',
    waits: true,
    timeout: 'rescue_callback_timeout',
    restsInMaintenance: true,
    cleanUp: (context) => context.all.rescue.cleanUp(context),
    succeed: () => ({ event: 'done', changes: { last_error: null } }),
    fail: ({ aborted, message }) => ({
      events: aborting(aborted),
      changes: {
        last_error: aborted
          ? 'By request, the rescue operation was aborted.'
          : `Failed to rescue: ${message}`,
      },
    }),
  },
  unrescue: {
    kind: 'unrescue',
    waits: false,
    timeout: 'rescue_callback_timeout',
    restsInMaintenance: false,
    cleanUp: null,
    succeed: () => ({ event: 'done', changes: { last_error: null } }),
    fail: ({ message }) => ({ events: ['fail'], changes: { last_error: `Failed to unrescue: ${message}` } }),
  },
  service: {
    kind: 'service',
    waits: true,
    timeout: 'service_callback_timeout',
    restsInMaintenance: true,
    cleanUp: deployCleansUp('service'),
    // An abort that comes after a failure brings the node back in `active` already.
    succeed: (node) =>
      node.provision_state === 'active'
        ? { event: null, changes: {} }
        : { event: 'done', changes: { last_error: null } },
    fail: ({ node, aborted, message, executing }) =>
      aborted
        ? {
            // As upstream: an aborted service leaves an active node, not one to be looked after.
            events: ['fail'],
            followedBy: 'abort',
            changes: {
              last_error: byRequest('service', executing),
            },
          }
        : {
            events: ['fail'],
            changes: {
              last_error: failing('Servicing', false, message),
              ...(executing ? outOfUse(node, failing('Servicing', false, message), 'service failure') : {}),
            },
          },
  },
  action: {
    kind: 'action',
    waits: false,
    timeout: 'deploy_callback_timeout',
    restsInMaintenance: false,
    cleanUp: null,
    succeed: () => ({ event: null, changes: {} }),
    fail: ({ message }) => ({ events: [], changes: { last_error: message } }),
  },
  power: {
    kind: 'power',
    waits: false,
    timeout: 'deploy_callback_timeout',
    restsInMaintenance: false,
    cleanUp: null,
    succeed: () => ({ event: null, changes: { target_power_state: null, last_error: null } }),
    fail: ({ message }) => ({
      events: [],
      changes: { target_power_state: null, last_error: `Failed to change power state: ${message}` },
    }),
  },
};
