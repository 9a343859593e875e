import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StageClock } from '../../demo/stage-clock.js';
import type { Lab } from '../../lab/lab.js';
import { compareWithImage } from '../support/e2e/disk.js';
import { aMachine, builtParts, imageFields, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;

describe('deployment by UEFI HTTP boot', () => {
  it(
    'from the URL that the BMC gives the firmware, with Secure Boot, beside a DHCP server of the site',
    async () => {
      const { image, ramdisk } = await builtParts();
      const machine = aMachine('uefi', {
        firmware: 'uefi-secure',
        // The firmware keeps the disc in memory.
        memory: 1536,
        nics: [{ model: 'virtio', rom: 'none' }],
        redfish: {},
      });
      await using raised = await raiseRack({
        machines: [machine],
        ramdisk,
        config: { netboot: { dhcp: { interface: null, subnets: [] }, tftp: { listen: null } } },
      });
      const { rack } = raised;
      const { api } = rack;
      const node1 = rack.lab.machine('node1');
      await siteDhcp(rack.lab);
      const uuid = await rack.enrolRedfish(node1, '10.77.0.50', 'redfish-https');
      await api.patch(uuid, { '/automated_clean': false });
      await api.provision(uuid, 'manage');
      await api.waitForState(uuid, 'manageable', { timeout: 3 * MINUTES });
      await api.provision(uuid, 'provide');
      await api.waitForState(uuid, 'available', { timeout: MINUTES });
      await api.patch(uuid, { '/instance_info': {}, ...imageFields(rack.publish(image), image) });

      using clock = new StageClock(node1, image.hello);
      await api.provision(uuid, 'active');
      await api.waitForState(uuid, 'active', { timeout: 15 * MINUTES });
      clock.mark('active');
      console.log(`by UEFI HTTP boot: ${clock}`);

      const said = node1.machine.console.text;
      expect(said).toMatch(/[Ss]ecure boot enabled/);
      expect(said).toContain('static addresses from the disc of the HTTP boot');
      expect(said).toContain('eth0: 10.77.0.50/24');
      // The tiny system is signed by nobody: the machine is left with it written, and does not start it.
      expect(compareWithImage(node1.machine.diskPaths[0]!, image.path).unexplained).toBeNull();
      const targets = node1.redfish!.events.flatMap((event) => (event.kind === 'boot' ? [event.target] : []));
      expect(targets).toContain('UefiHttp');
      expect(node1.redfish!.events.filter(({ kind }) => kind === 'inserted')).toEqual([]);
      // Nobody may have afterwards what the firmware says that it booted from.
      const [, url] = /starting Boot00F0 .* from Uri\((http:[^)]+\.iso)\)/.exec(said) ?? [];
      expect(url).toBeDefined();
      const status = ['-s', '-o', '/dev/null', '-w', '%{http_code}', url!];
      expect(await rack.lab.network.inside('curl', status)).toBe('404');
    },
    30 * MINUTES,
  );
});

/** A DHCP server that knows nothing of network boot; it ends with the lab. */
async function siteDhcp(lab: Lab): Promise<void> {
  await lab.start('dnsmasq', [
    ...['--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--bind-interfaces'],
    ...['--interface=br0', '--dhcp-range=10.77.0.150,10.77.0.190,255.255.255.0,1h', '--dhcp-authoritative'],
    `--dhcp-leasefile=${join(lab.directory, 'site.leases')}`,
    `--pid-file=${join(lab.directory, 'site.pid')}`,
  ]);
}
