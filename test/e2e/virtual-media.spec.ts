import { describe, expect, it } from 'vitest';
import { StageClock } from '../../demo/stage-clock.js';
import { compareWithImage } from '../support/e2e/disk.js';
import { aMachine, builtParts, imageFields, raiseRack } from '../support/e2e/rack.js';
import { startSecureServer } from '../support/private-authority.js';

const MINUTES = 60_000;

describe('deployment by virtual media', () => {
  it(
    'of a UEFI machine with Secure Boot, with no DHCP on the wire',
    async () => {
      const { image, ramdisk } = await builtParts();
      await using authority = await startSecureServer((_, response) => void response.end());
      const machine = aMachine('uefi', { firmware: 'uefi-secure', media: true, redfish: {} });
      await using raised = await raiseRack({
        machines: [machine],
        ramdisk,
        config: {
          agent: { api_ca_file: authority.authority },
          netboot: { dhcp: { interface: null, subnets: [] }, tftp: { listen: null } },
        },
      });
      const { rack } = raised;
      const { api } = rack;
      const node1 = rack.lab.machine('node1');
      const uuid = await rack.enrolRedfish(node1, '10.77.0.50');
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
      console.log(`by virtual media: ${clock}`);

      const said = node1.machine.console.text;
      expect(said).toMatch(/[Ss]ecure boot enabled/);
      expect(said).toContain('eth0: 10.77.0.50/24');
      expect(said).toContain('servers may have the certificate authorities');
      // The tiny system is signed by nobody: the machine is left with it written, and does not start it.
      expect(compareWithImage(node1.machine.diskPaths[0]!, image.path).unexplained).toBeNull();
      const { events } = node1.redfish!;
      const media = events
        .filter(({ kind }) => kind === 'inserted' || kind === 'ejected')
        .map(({ kind }) => kind);
      expect(media.filter((kind) => kind === 'inserted')).toHaveLength(1);
      expect(media.at(-1)).toBe('ejected');
      // Nobody but the BMC may have what the disc was.
      const url = events.find((event) => event.kind === 'inserted')!.url;
      const status = await rack.lab.network.inside('curl', [
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        url,
      ]);
      expect(status).toBe('404');
    },
    25 * MINUTES,
  );
});
