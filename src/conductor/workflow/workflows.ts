import type { OperationKind } from '../../operation/operation.repository.js';
import type { Workflow } from './workflow.js';

const failing = (text: string, aborted: boolean, message: string | null): string =>
  aborted ? `${text} was aborted by the operator.` : `${text} failed: ${message}`;

/** Every kind of operation. */
export const WORKFLOWS: Readonly<Record<OperationKind, Workflow>> = {
  verify: {
    kind: 'verify',
    waits: false,
    timeout: null,
    cleansUp: null,
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
    cleansUp: 'deploy',
    succeed: () => ({ event: 'done', changes: { last_error: null } }),
    fail: ({ aborted, message }) => ({
      events: aborted ? ['abort', 'fail'] : ['fail'],
      changes: { last_error: failing('Deployment', aborted, message) },
    }),
  },
  clean: {
    kind: 'clean',
    waits: true,
    timeout: 'clean_callback_timeout',
    cleansUp: 'clean',
    succeed: (node) => ({
      event: node.target_provision_state === 'manageable' ? 'manage' : 'done',
      changes: { last_error: null },
    }),
    fail: ({ aborted, message, executing }) => ({
      events: aborted ? ['abort', 'fail'] : ['fail'],
      changes: {
        last_error: failing('Cleaning', aborted, message),
        // A disk may be half erased: nobody should use the node before somebody has looked at it.
        ...(executing && !aborted
          ? {
              maintenance: true,
              maintenance_reason: failing('Cleaning', false, message),
              fault: 'clean failure',
            }
          : {}),
      },
    }),
  },
  teardown: {
    kind: 'teardown',
    waits: false,
    timeout: 'deploy_callback_timeout',
    cleansUp: null,
    // What belonged to the instance goes with it; the automatic cleaning that follows knows nothing of it.
    succeed: () => ({
      event: 'clean',
      changes: { last_error: null, instance_info: {}, instance_uuid: null, instance_name: null },
    }),
    fail: ({ message }) => ({ events: ['fail'], changes: { last_error: `Error in tear down: ${message}` } }),
  },
  power: {
    kind: 'power',
    waits: false,
    timeout: null,
    cleansUp: null,
    succeed: () => ({ event: null, changes: { target_power_state: null, last_error: null } }),
    fail: ({ message }) => ({
      events: [],
      changes: { target_power_state: null, last_error: `Failed to change power state: ${message}` },
    }),
  },
};
