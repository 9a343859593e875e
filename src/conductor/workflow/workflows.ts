import type { StepKind } from '../../driver/contract/step.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { OperationKind } from '../../persistence/operation/operation.repository.js';
import type { Workflow } from './workflow.js';

const failing = (text: string, aborted: boolean, message: string | null): string =>
  aborted ? `${text} was aborted by the operator.` : `${text} failed: ${message}`;
/** @param executing `interface.step`; null before the first step */
const byRequest = (what: string, executing: string | null): string =>
  `By request, the ${what} operation was aborted` +
  (executing ? ` during or after the completion of step "${executing}"` : '');
const aborting = (aborted: boolean) => (aborted ? (['abort', 'fail'] as const) : (['fail'] as const));
const deployCleansUp =
  (kind: StepKind): Workflow['cleanUp'] =>
  (context, operation) =>
    context.all.deploy.cleanUpFailure(context, { ...operation, kind });
/** Puts the node into maintenance until somebody has checked it. An operator's own maintenance reason is kept. */
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
      // A retired node does not become available again (Ironic: cleaning.py, do_next_clean_step).
      event: node.target_provision_state === 'manageable' || node.retired ? 'manage' : 'done',
      changes: { last_error: null },
    }),
    fail: ({ node, aborted, message, executing }) => ({
      events: aborting(aborted),
      changes: {
        last_error: aborted ? byRequest('clean', executing) : failing('Cleaning', false, message),
        // A disk may be partly erased.
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
    // The instance's data is removed; the automated cleaning that follows does not need it.
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
        // The power state that was read before may be wrong.
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
    // After an abort that follows a failure, the node is already `active`.
    succeed: (node) =>
      node.provision_state === 'active'
        ? { event: null, changes: {} }
        : { event: 'done', changes: { last_error: null } },
    fail: ({ node, aborted, message, executing }) =>
      aborted
        ? {
            // As upstream: after an aborted service the node is active, without maintenance.
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
