import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/domain/json.js';
import {
  AGENT_KEYS,
  changedInternal,
  INSTANCE_KEYS,
  internalForAgents,
  internalOf,
  withoutInternal,
  withoutLeftBehind,
} from '../../../../src/driver/contract/internal-info.js';

const node = {
  driver_internal_info: {
    agent_url: 'https://10.0.0.5:9999',
    agent_secret_token: 'secret',
    agent_cached_clean_steps: { deploy: [] },
    is_whole_disk_image: false,
    deploy_progress: { phase: 'download', bytes: 1 },
    clean_progress: { bytes_written: 2, bytes_total: 3 },
    service_ramdisk: true,
    clean_steps_done_again: ['deploy.erase_devices'],
    agent_erase_devices_iterations: 1,
    left_by_a_later_version: { kept: true },
  },
};

describe('driver_internal_info', () => {
  it('is read by type: what is of another one is as good as none', () => {
    expect(internalOf(node)).toMatchObject({
      agent_url: 'https://10.0.0.5:9999',
      is_whole_disk_image: false,
    });
    const odd = {
      driver_internal_info: {
        agent_status: 7,
        clean_steps_done_again: ['a', 1],
        ramdisk_boot: null,
        deploy_image: [],
      },
    };
    expect(internalOf(odd)).toEqual({ ramdisk_boot: null });
  });

  it.each([
    ['agent_secret_token', { sealed: 'x' }],
    ['agent_secret_token', null],
    ['agent_secret_token_pregenerated', 'true'],
    ['agent_token_asker', 7],
    ['agent_last_heartbeat', 7],
    ['agent_url', ['https://10.0.0.5:9999']],
    ['agent_verify_ca', false],
    ['inspection_secret', 12_345],
    ['lookup_bmc_addresses', '10.0.0.1'],
    ['redfish_pinned_certificate', {}],
  ] as const)('is refused where %s, which admits a peer, is %j', (key, value) => {
    const odd = { driver_internal_info: { ...node.driver_internal_info, [key]: value as Json } };
    const info = internalOf(odd);
    expect(info.is_whole_disk_image).toBe(false);
    expect(() => info[key]).toThrow(
      `driver_internal_info.${key} of the node has a value of the wrong type, and admits nobody.`,
    );
    expect(() => ({ ...info })).toThrow('admits nobody');
    expect(internalOf({ driver_internal_info: withoutInternal(odd, [key]) })[key]).toBeUndefined();
  });

  it('changes by key: undefined goes, false and null stay, and what nobody knows is left alone', () => {
    const changed = changedInternal(node, {
      agent_url: undefined,
      is_whole_disk_image: true,
      service_ramdisk: false,
      ramdisk_boot: null,
    });
    expect(changed).toEqual({
      ...node.driver_internal_info,
      agent_url: undefined,
      is_whole_disk_image: true,
      service_ramdisk: false,
      ramdisk_boot: null,
    });
    expect(Object.keys(changed)).not.toContain('agent_url');
    expect(node.driver_internal_info.agent_url).toBeDefined();
  });

  it('loses the agent with the ramdisk, and the instance with the instance', () => {
    const agentless = withoutInternal(node, AGENT_KEYS);
    expect(Object.keys(agentless).filter((key) => /^agent_(?!erase)/.test(key))).toEqual([]);
    expect(agentless).toMatchObject({ is_whole_disk_image: false, left_by_a_later_version: { kept: true } });
    expect(withoutInternal(node, INSTANCE_KEYS)).not.toHaveProperty('is_whole_disk_image');
  });

  it('shows an agent the wishes for erasing and the kind of image, and no secret', () => {
    expect(internalForAgents(node)).toEqual({
      is_whole_disk_image: false,
      agent_erase_devices_iterations: 1,
    });
  });

  it.each([
    ['clean', ['deploy_progress', 'clean_progress', 'service_ramdisk', 'clean_steps_done_again']],
    ['service', ['deploy_progress', 'clean_progress', 'clean_steps_done_again']],
  ])('begins %s without what another operation left for itself', (kind, gone) => {
    const left = withoutLeftBehind(node, kind);
    expect(Object.keys(node.driver_internal_info).filter((key) => !(key in left!))).toEqual(gone);
    expect(withoutLeftBehind({ driver_internal_info: left! }, kind)).toBeNull();
  });
});
