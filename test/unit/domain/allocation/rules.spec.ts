import { describe, expect, it } from 'vitest';
import { backfillFault, refuseDeallocation } from '../../../../src/domain/allocation/rules.js';
import { STATES } from '../../../../src/domain/provision/table.js';

const node = (over: object = {}) => ({
  uuid: 'n',
  provision_state: 'available',
  target_provision_state: null,
  maintenance: false,
  resource_class: 'metal',
  ...over,
});

describe('refuseDeallocation', () => {
  // ironic/common/states.py: UPDATE_ALLOWED_STATES
  const updatable = [
    'deploy failed',
    'inspecting',
    'inspect failed',
    'inspect wait',
    'clean failed',
    'error',
    'verifying',
    'adopt failed',
    'rescue failed',
    'unrescue failed',
    'service failed',
    'service hold',
  ];
  const refused = (over: object) => {
    try {
      refuseDeallocation(node(over), 'a');
      return false;
    } catch {
      return true;
    }
  };
  it('holds back nodes in use and in transitions, but not in maintenance', () => {
    for (const provision_state of Object.keys(STATES)) {
      expect([provision_state, refused({ provision_state })]).toEqual([
        provision_state,
        provision_state === 'active',
      ]);
      const moving = { provision_state, target_provision_state: 'x' };
      expect([provision_state, refused(moving)]).toEqual([
        provision_state,
        !updatable.includes(provision_state),
      ]);
      expect(refused({ ...moving, maintenance: true })).toBe(false);
    }
  });
});

describe('backfillFault', () => {
  const wanted = { uuid: 'a', resource_class: 'metal', traits: ['CUSTOM_A'], candidate_nodes: ['n', 'm'] };
  it('finds nothing wrong with a node that fits', () => {
    expect(backfillFault(node({ provision_state: 'active' }), ['CUSTOM_A', 'CUSTOM_B'], wanted)).toBeNull();
    const any = { uuid: 'a', resource_class: null, traits: [], candidate_nodes: [] };
    expect(backfillFault(node({ provision_state: 'active', resource_class: null }), [], any)).toBeNull();
  });
  it('lists all that is wrong', () => {
    expect(backfillFault(node({ uuid: 'x', resource_class: null }), [], wanted)).toBe(
      'Cannot backfill an allocation for node x: Node must be in the "active" state, but the current state is ' +
        '"available"; Resource class None does not match the requested resource class metal; List of traits [] does ' +
        "not match the requested traits ['CUSTOM_A']; Candidate nodes must be empty or contain the target node, but " +
        "got ['n', 'm']",
    );
  });
});
