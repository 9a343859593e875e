import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FerricError } from '../../../src/domain/errors.js';
import { DeployWorld, IMAGE, PRIVATE_AUTHORITY, SHA } from '../../support/deploy-world.js';
import { NODE_UUID } from '../../support/driver-context.js';
import { onDisk } from '../../support/published.js';

let world: DeployWorld;
beforeEach(() => {
  world = new DeployWorld();
});
afterEach(() => world.remove());

describe('direct deploy', () => {
  it('deploys an image that the agent fetches from its own URL', async () => {
    await using at = world.bed({ instance_info: { ...IMAGE, image_disk_format: 'raw' } });
    const { bench, machine, write } = at;
    expect(await at.drive('prepare_deploy')).toEqual({ is: 'done' });
    expect(world.fetched).toEqual([]);
    expect(await at.enter('deploy', 'start')).toMatchObject({ is: 'wait', for: 'heartbeat' });
    expect(machine.kernelParameters).toEqual({ 'ipa-api-url': 'http://10.77.0.1:6386' });
    expect(await at.enter('deploy', 'heartbeat')).toEqual({ is: 'done' });

    expect(await at.enter('write_image', 'start')).toMatchObject({
      is: 'wait',
      for: 'poll',
      timeout: 60_000,
    });
    expect(await at.enter('write_image', 'poll')).toMatchObject({ is: 'wait' });
    expect(bench.committed.driver_internal_info['deploy_progress']).toEqual({
      phase: 'download',
      bytes: 512,
      total: 1024,
    });
    write.end();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await at.enter('write_image', 'heartbeat')).toEqual({ is: 'done' });
    const { params } = machine.heard.find((one) => one.name === 'deploy.execute_deploy_step')!;
    expect(params).toMatchObject({
      deploy_version: { m: '1' },
      step: {
        interface: 'deploy',
        step: 'write_image',
        args: {
          image_info: {
            id: 'debian.raw',
            urls: ['http://images/debian.raw'],
            disk_format: 'raw',
            container_format: 'bare',
            os_hash_algo: 'sha256',
            os_hash_value: SHA,
            stream_raw_images: true,
            node_uuid: NODE_UUID,
          },
          configdrive: null,
        },
      },
    });

    for (const name of [
      'prepare_instance_boot',
      'tear_down_agent',
      'switch_to_tenant_network',
      'boot_instance',
    ]) {
      expect(await at.drive(name), name).toEqual({ is: 'done' });
    }
    expect(machine.acts).toEqual([
      'prepare ramdisk',
      'pxe',
      'power on',
      'clean up ramdisk',
      'prepare instance',
      'disk persistent',
      'power on',
    ]);
    expect(machine.heard.map((one) => one.name)).toEqual([
      'deploy.get_deploy_steps',
      'deploy.execute_deploy_step',
      'image.install_bootloader',
      'standby.sync',
      'standby.power_off',
    ]);
    expect(JSON.stringify(machine.heard)).not.toMatch(/canary|10\.9\.8\.7/);
    const internal = Object.keys(bench.committed.driver_internal_info);
    expect(internal.filter((key) => key.startsWith('agent_') || key === 'deploy_progress')).toEqual([]);
    expect(bench.fences.length).toBeGreaterThan(5);
  });

  const names = new Set<string>();
  it.each([
    ['file:///images/debian.qcow2', {}],
    ['7daa1a92-c3d7-4add-aaed-66fcbba58912', {}],
    ['http://images/x.raw', { image_disk_format: 'raw', image_download_source: 'local' }],
    ['http://images/format-unknown', {}],
    ['http://images/length-unknown', { image_disk_format: 'raw' }],
    ['http://images/x.vmdk', { image_disk_format: 'vmdk' }],
    ['http://images/x.iso', { image_disk_format: 'iso', image_download_source: 'local' }],
  ])('serves %s %j itself, and only while it is needed', async (image_source, info) => {
    await using at = await world.ready({ instance_info: { ...IMAGE, image_source, ...info } });
    expect(world.fetched).toEqual([image_source]);
    const { life, files } = world.published.publications[0]!;
    const { name } = files[0]!;
    const path = join(world.directory, 'http', name);
    expect({ life, files }).toEqual({ life: 'operation', files: [onDisk('http', name, path)] });
    // Nobody guesses it, and it is another one each time.
    expect(name).toMatch(new RegExp(`^agent_images/${NODE_UUID}/[0-9a-f]{40}$`));
    expect(names.has(name)).toBe(false);
    names.add(name);
    expect(at.bench.committed.instance_info['image_url']).toBe(`http://10.77.0.1:8080/${name}`);
    expect(at.bench.committed.instance_info['image_os_hash_value']).toBe(SHA); // the user's own words stay
    await at.enter('write_image', 'start');
    expect(at.machine.heard.at(-1)?.params).toMatchObject({
      step: {
        args: { image_info: { disk_format: 'raw', os_hash_algo: 'sha256', os_hash_value: 'b'.repeat(64) } },
      },
    });
    expect(existsSync(path)).toBe(true);
    at.write.end();
    await at.drive('prepare_instance_boot');
    expect(existsSync(path)).toBe(false);
  });

  it.each(['http', 'local'])('reaches the image through the proxies of the node: %s', async (source) => {
    const driver_info = { image_http_proxy: 'http://p:3128', image_no_proxy: '.lan' };
    const instance_info = { ...IMAGE, image_disk_format: 'raw', image_download_source: source };
    world.proxies.length = 0;
    await using _at = await world.ready({ instance_info, driver_info });
    const own = { http: 'http://p:3128', no: '.lan' };
    expect(world.proxies).toEqual([own, own]);
  });

  it('tells the agent which addresses it may fetch from, and whom it trusts', async () => {
    await using at = await world.ready({ instance_info: { ...IMAGE, image_disk_format: 'raw' } });
    await at.enter('write_image', 'start');
    expect(at.machine.heard.at(-1)?.params).toMatchObject({
      step: {
        args: {
          image_info: {
            ferric_fetch_rules: {
              refused_networks: ['10.9.0.0/16'],
              trusted_urls: [],
              authorities: PRIVATE_AUTHORITY,
            },
          },
        },
      },
    });
  });

  it.each(['iso', 'gpt', 'qcow2'])('tells the agent what it can write: %s', async (image_disk_format) => {
    await using at = await world.ready({ instance_info: { ...IMAGE, image_disk_format } });
    expect(world.looked.at(-1)).toMatchObject({ disk_format: image_disk_format });
    await at.enter('write_image', 'start');
    const disk_format = image_disk_format === 'qcow2' ? 'qcow2' : 'raw';
    expect(at.machine.heard.at(-1)?.params).toMatchObject({
      step: { args: { image_info: { disk_format } } },
    });
  });

  it('looks at the first bytes of what the agent fetches itself before a machine is touched', async () => {
    const info = { ...IMAGE, image_disk_format: 'qcow2' };
    await using good = await world.ready({ instance_info: info });
    const look = { ref: IMAGE.image_source, size: 1024, disk_format: 'qcow2', kind: 'whole-disk' };
    expect([world.fetched, world.looked]).toEqual([[], [look]]);
    expect(good.machine.acts).not.toEqual([]);
    world.fault = new FerricError('image-refused', 'The image is told to be a whole-disk image, but');
    await using at = world.bed({ instance_info: info });
    await expect(at.enter('prepare_deploy', 'start')).rejects.toThrow('told to be a whole-disk image');
    expect(at.machine.acts).toEqual([]);
  });

  it('names the faults of the node', async () => {
    const at = world.bed({
      instance_info: { ...IMAGE, image_download_source: 'swift', root_device: { size: 'x' } },
      driver_info: {
        agent_verify_ca: '/etc/shadow',
        deploy_forces_oob_reboot: 'perhaps',
        image_http_proxy: 'p:3128',
        image_https_proxy: 'gopher://p',
      },
    });
    const error: unknown = await at.deploy.validate(at.bench.context()).catch((e: unknown) => e);
    for (const text of [
      'image_download_source',
      'agent_verify_ca',
      'driver_info.image_http_proxy: must be an http or https URL',
      'driver_info.image_https_proxy',
      'deploy_forces_oob_reboot',
      'root_device',
    ]) {
      expect((error as Error).message).toContain(text.replace('root_device', 'size'));
    }
    const empty = world.bed({ instance_info: {} });
    await expect(empty.deploy.validate(empty.bench.context())).rejects.toThrow(
      `Node ${NODE_UUID} failed to validate deploy image info. Some parameters were missing. Missing are: ['instance_info.image_source']`,
    );
  });
});

describe('config drives', () => {
  const given = async (configdrive: unknown) => {
    await using at = await world.ready({ instance_info: { ...IMAGE, configdrive: configdrive as never } });
    await at.enter('write_image', 'start');
    at.write.end();
    const { step } = at.machine.heard.at(-1)!.params as { step: { args: { configdrive: string } } };
    return step.args.configdrive;
  };

  it('builds an object into a volume that others read', async () => {
    const text = await given({ meta_data: { hostname: 'm1' }, user_data: '#cloud-config\n' });
    const volume = gunzipSync(Buffer.from(text, 'base64')).toString('latin1');
    expect(volume.slice(0x8001, 0x8006)).toBe('CD001'); // ECMA-119 §8.4: identifier and volume label
    expect(volume.slice(0x8028, 0x8048).trim()).toBe('config-2');
    expect(volume).toContain('"hostname":"m1"');
  });

  it('passes a finished volume and a URL on as they are', async () => {
    expect(await given('H4sIAAAA')).toBe('H4sIAAAA');
    expect(await given('https://config/drive')).toBe('https://config/drive');
    const at = world.bed({ instance_info: { ...IMAGE, configdrive: { nonsense: 1 } } });
    await expect(at.deploy.validate(at.bench.context())).rejects.toThrow('configdrive has no nonsense');
  });
});
