import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The long files of each tier, in starting order. Durations in CI: virtual machines 330 to 160 s, where files that
 * start two machines at once do not start in parallel; real clients 150 to 45 s; components 180 to 40 s.
 */
const LONG = [
  'test/e2e/image-build/user-image.spec.ts',
  'test/e2e/deploy.spec.ts',
  'test/e2e/image-by-uuid.spec.ts',
  'test/e2e/lab/scenario.spec.ts',
  'test/contract/differ/differ.spec.ts',
  'test/contract/baremetal/baremetal.spec.ts',
  'test/contract/keystone.spec.ts',
  'test/contract/openstacksdk.spec.ts',
  'test/contract/image-service.spec.ts',
  'test/component/driver/ipmi-loss.spec.ts',
  'test/component/daemon/faults.spec.ts',
  'test/component/crash/step-boundaries.spec.ts',
  'test/component/netboot/relay.spec.ts',
  'test/component/daemon/start.spec.ts',
  'test/component/daemon/backup.spec.ts',
  'test/component/conductor/wait.spec.ts',
  'test/component/driver/ipmi-native.spec.ts',
  'test/component/api/ramdisk.spec.ts',
  'test/component/agent/write-image.spec.ts',
  'test/component/image-build/pipeline/pipeline.spec.ts',
  'test/component/image/vhd.spec.ts',
  'test/component/driver/ipmi-sim.spec.ts',
  'test/component/netboot/dhcp-sites.spec.ts',
  'test/component/agent/sector-size.spec.ts',
  'test/component/crash/redfish-http-boot.spec.ts',
].map((name) => resolve(import.meta.dirname, '../..', name));

/**
 * Files known to be long start first, so that both workers end at the same time. Vitest itself sorts by the durations
 * of the previous run, and in a fresh clone by file size, which says nothing about waiting.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const missing = LONG.filter((path) => !existsSync(path));
    if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')} that could begin first`);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.indexOf(moduleId);
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
