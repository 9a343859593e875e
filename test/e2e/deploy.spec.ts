import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { StageClock } from '../../demo/stage-clock.js';
import { compareWithImage, isBlank } from '../support/e2e/disk.js';
import { aMachine, builtParts, imageFields, MIB, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;

/** Where the daemon is killed during the deployment, in the order in which a deployment comes there. */
const PLACES = [
  { at: 'deploy.deploy.after', what: 'the ramdisk is being booted' },
  { at: 'deploy.write_image.after', what: 'the agent is writing' },
  { at: 'deploy.tear_down_agent.before', what: 'the image is written' },
];

/** The whole life of a node on a machine of QEMU, by the REST API alone. */
describe('deployment', () => {
  const times: string[] = [];
  afterEach(() => {
    for (const line of times.splice(0)) console.log(line);
  });

  it('from enroll to active and back to available, the daemon killed three times on the way; BIOS', async () => {
    const { image, ramdisk } = await builtParts();
    await using raised = await raiseRack({ machines: [aMachine('bios')], ramdisk });
    const { rack } = raised;
    const { api, daemon } = rack;
    const node1 = rack.lab.machine('node1');
    const disk = node1.machine.diskPaths[0]!;
    // Somebody's old disk: what is on it must be gone after cleaning.
    writeOver(disk, readFileSync(image.path).subarray(0, 4 * MIB));

    const uuid = await rack.enrol(node1, { capabilities: 'boot_mode:bios' });
    expect(await api.node(uuid)).toMatchObject({
      provision_state: 'enroll',
      driver_info: { ipmi_password: '******' },
    });
    await api.provision(uuid, 'manage');
    expect(await api.waitForState(uuid, 'manageable', { timeout: MINUTES })).toMatchObject({
      power_state: 'power off',
    });

    {
      using clock = new StageClock(node1, image.hello);
      await api.provision(uuid, 'provide');
      await api.waitForState(uuid, 'available', { timeout: 4 * MINUTES });
      clock.mark('available');
      times.push(`cleaning: ${clock}`);
      expect(isBlank(disk, 0, MIB), 'the old partition table').toBe(true);
    }

    const url = rack.publish(image);
    const mac = node1.machine.macs[0]!.replaceAll(':', '-');
    const bootFile = () =>
      rack.lab.network.inside('curl', [
        ...['-s', '-o', '/dev/null', '-w', '%{http_code}'],
        `http://10.77.0.1:8080/pxelinux.cfg/${mac}`,
      ]);
    expect(await bootFile(), 'whoever has no lease gets no boot file').toBe('404');
    await daemon.stop();
    await daemon.start({ FERRIC_CONDUCTOR__FAILPOINT: PLACES[0]!.at });
    await api.patch(uuid, { '/instance_info': {}, ...imageFields(url, image) });
    using clock = new StageClock(node1, image.hello);
    const since = node1.machine.console.position;
    const said: string[] = [];
    node1.machine.console.onLine((line) => void said.push(line));
    await api.provision(uuid, 'active');
    // What the daemon started goes on without it.
    for (const [index, { what }] of PLACES.entries()) {
      expect((await daemon.exited).signal, `killed while ${what}`).toBe('SIGKILL');
      clock.mark(`killed while ${what}`);
      const next = PLACES[index + 1];
      await daemon.start(next === undefined ? {} : { FERRIC_CONDUCTOR__FAILPOINT: next.at });
      if (index === 0) {
        expect(await api.node(uuid)).toMatchObject({ provision_state: 'wait call-back' });
        expect(await bootFile(), 'nor while the ramdisk is awaited').toBe('404');
      }
    }
    await api.waitForState(uuid, 'active', { timeout: 5 * MINUTES });
    clock.mark('active');
    const [hello] = await node1.machine.console.waitFor(new RegExp(`${image.hello.source}\n`), {
      since,
      timeout: 2 * MINUTES,
    });
    times.push(`deployment: ${clock}`);
    expect(hello).not.toContain('ipa-api-url');
    expect(await bootFile(), 'the boot files afterwards').toBe('404');
    expect(await api.node(uuid)).toMatchObject({ power_state: 'power on', last_error: null });
    expect(node1.machine.isOn()).toBe(true);
    const writes = said.filter((line) => /command deploy\.execute_deploy_step starts/.test(line));
    expect(writes, 'the agent’s writes').toHaveLength(1);
    const difference = compareWithImage(disk, image.path);
    expect(difference.unexplained, 'first sector that differs').toBeNull();
    expect(difference.explained, 'the backup table has moved').toBeGreaterThan(0);
    expect(rack.images.count('/tiny.raw', 'GET'), 'downloads of the image').toBe(1);

    await api.provision(uuid, 'deleted');
    const freed = await api.waitForState(uuid, 'available', { timeout: 4 * MINUTES });
    expect(freed).toMatchObject({ instance_info: {}, power_state: 'power off', last_error: null });
    expect(node1.machine.isOn()).toBe(false);
    expect(isBlank(disk, 0, MIB), 'the partition table of the instance').toBe(true);
    expect(await bootFile(), 'whoever has no lease gets no boot file').toBe('404');
    const { history } = (await api.request('GET', `/v1/nodes/${uuid}/history?detail=true`)) as {
      history: { event_type: string; state: string; created_at: string }[];
    };
    const states = history.filter((row) => row.event_type === 'provision').map((row) => row.state);
    expect(states.join(' > ')).toMatch(WHOLE_LIFE);
  });
});

const CLEAN = 'cleaning( > clean wait > cleaning)+ > available';
const WHOLE_LIFE = new RegExp(
  `verifying > manageable > ${CLEAN} > deploying( > wait call-back > deploying)+ > active > deleting > ${CLEAN}$`,
);

function writeOver(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(file);
  }
}
