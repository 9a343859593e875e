import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { PERSONALITIES, type PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { ImageServer } from '../../../lab/image-server.js';
import { REDFISH_PASSWORD, RedfishRack } from '../../support/redfish-rack.js';

const run = promisify(execFile);

/** OpenStack's library of Redfish: what it reads and does, line by line. */
const SUSHY = `
import json, sys, sushy
from sushy import auth
url, system, user, password, image, once, trusted = sys.argv[1:]
c = sushy.Sushy(url, auth=auth.SessionOrBasicAuth(user, password), verify=trusted)
s = c.get_system(system)
tell = lambda what, value: print(json.dumps([what, value]))
tell('power', s.power_state.value)
tell('resets', sorted(one.value for one in s.get_allowed_reset_system_values()))
tell('mac', s.ethernet_interfaces.get_members()[0].mac_address)
tell('cpus', s.processors.summary.count)
s.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_PXE, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE,
                          **({} if once == 'bare' else {'mode': sushy.BOOT_SOURCE_MODE_UEFI}))
s.refresh()
tell('boot', [s.boot.target.value, s.boot.enabled.value])
s.reset_system(sushy.RESET_TYPE_ON)
s.refresh()
tell('on', s.power_state.value)
chassis = s.chassis[0]
tell('fans', [fan.identity for fan in chassis.thermal.fans])
drives = [d for m in s.managers for d in m.virtual_media.get_members()
          if 'CD' in [t.value for t in d.media_types]]
def inserted():
    for drive in drives:
        try:
            drive.insert_media(image)
        except Exception as error:
            print(json.dumps(['refused', str(error)[:200]]))
            continue
        drive.refresh()
        if drive.inserted:
            return drive
drive = inserted()
tell('inserted', [drive.identity, drive.image])
drive.eject_media()
s.reset_system(sushy.RESET_TYPE_FORCE_OFF)
s.refresh()
tell('off', s.power_state.value)
`;

describe("OpenStack's sushy", () => {
  const directory = mkdtempSync(join(tmpdir(), 'sushy-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each<[PersonalityName]>([['standard'], ['dell'], ['hpe'], ['supermicro'], ['lenovo']])(
    'drives a machine behind a service like %s',
    async (personality) => {
      await using images = await ImageServer.listen();
      images.publish('/a.iso', Buffer.from('a disc'));
      await using rack = await RedfishRack.up({ personality });
      const image = images.url('/a.iso');
      const bare = personality === 'hpe' ? 'bare' : 'whole';
      const trusted = join(directory, `${personality}.pem`);
      writeFileSync(trusted, rack.bmc.certificate);
      const login = ['admin', REDFISH_PASSWORD];
      const args = [rack.bmc.url, rack.bmc.systemPath, ...login, image, bare, trusted];
      const { stdout } = await run('/usr/bin/python3', ['-W', 'ignore', '-c', SUSHY, ...args], {
        env: { PATH: process.env['PATH'] }, // a bundle of the environment would be trusted instead
      });
      const lines = stdout.trim().split('\n');
      const told = new Map(lines.map((line) => JSON.parse(line) as [string, unknown]));
      expect(told.get('power')).toBe('Off');
      expect(told.get('mac')).toBe(rack.machine.hardware.macs[0]);
      expect(told.get('boot')).toEqual(['Pxe', 'Once']);
      expect([told.get('on'), told.get('off')]).toEqual(['On', 'Off']);
      expect(rack.machine.starts.map((start) => start?.device)).toEqual(['pxe']);
      const cd = PERSONALITIES[personality].slots.managers.find(({ kind }) => kind === 'cd')!;
      expect(told.get('inserted')).toEqual([cd.id, image]);
      expect(rack.bmc.events).toContainEqual({ kind: 'inserted', slot: cd.id, url: image, bytes: 6 });
      expect(rack.machine.media.size).toBe(0);
    },
  );
});

describe("DMTF's redfishtool", () => {
  it('reads a system, sets its boot override, and switches it', async () => {
    await using rack = await RedfishRack.up();
    const login = ['-S', 'Always', '-A', 'Session', '-u', 'admin', '-p', REDFISH_PASSWORD];
    const tool = (...args: string[]) =>
      run('redfishtool', ['-r', new URL(rack.bmc.url).host, ...login, ...args]);
    const { stdout } = await tool('Systems', 'get');
    expect(stdout).toContain('"PowerState": "Off"');
    await tool('Systems', 'setBootOverride', 'Once', 'Cd');
    expect(rack.machine.boot.selection()).toMatchObject({ device: 'cdrom', persistent: false });
    await tool('Systems', 'reset', 'On');
    expect(rack.machine.starts.map((start) => start?.device)).toEqual(['cdrom']);
    expect(rack.bmc.accounts.sessionCount).toBe(0);
  });
});
