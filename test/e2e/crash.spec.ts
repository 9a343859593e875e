import { describe, expect, it } from 'vitest';
import { aMachine, builtParts, imageFields, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;
const PLACES = [
  { at: 'deploy.deploy.after', what: 'the ramdisk is being booted' },
  { at: 'deploy.write_image.after', what: 'the agent is writing' },
  { at: 'deploy.tear_down_agent.before', what: 'the image is written' },
];

/** SIGKILL for the daemon while a real machine is being deployed; what it started goes on without it. */
describe('the daemon killed during a deployment', () => {
  it('carries it on to active and writes the disk once', async () => {
    const { image, ramdisk } = await builtParts();
    await using raised = await raiseRack({
      machines: [aMachine('bios')],
      ramdisk,
      config: { conductor: { automated_clean: false } },
    });
    const { rack } = raised;
    const { api, daemon } = rack;
    const node1 = rack.lab.machine('node1');
    const uuid = await rack.enrol(node1, { capabilities: 'boot_mode:bios' });
    await api.provision(uuid, 'manage');
    await api.waitForState(uuid, 'manageable', { timeout: MINUTES });
    await api.provision(uuid, 'provide');
    await api.waitForState(uuid, 'available', { timeout: MINUTES });
    const url = rack.publish(image);

    const said: string[] = [];
    node1.machine.console.onLine((line) => void said.push(line));
    for (const { at, what } of PLACES) {
      said.length = 0;
      await daemon.stop();
      await daemon.start({ FERRIC_CONDUCTOR__FAILPOINT: at });
      const since = node1.machine.console.position;
      await api.patch(uuid, imageFields(url, image));
      await api.provision(uuid, 'active');
      expect((await daemon.exited).signal, `killed while ${what}`).toBe('SIGKILL');
      await daemon.start();
      await api.waitForState(uuid, 'active', { timeout: 5 * MINUTES });
      const [hello] = await node1.machine.console.waitFor(new RegExp(`${image.hello.source}\n`), {
        since,
        timeout: 2 * MINUTES,
      });
      expect(hello).not.toContain('ipa-api-url');
      const writes = said.filter((line) => /command deploy\.execute_deploy_step starts/.test(line));
      expect(writes, `the agent's writes, killed while ${what}`).toHaveLength(1);
      await api.provision(uuid, 'deleted');
      await api.waitForState(uuid, 'available', { timeout: 2 * MINUTES });
    }
  });
});
