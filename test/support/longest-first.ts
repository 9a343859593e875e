import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The long files of each tier, in the order in which they begin. CI measured: virtual machines 330 to 160 s, where those
 * that start two machines at once do not begin side by side; real clients 150 to 45 s; components 155 to 20 s, where one
 * that mostly waits begins beside one that mostly works.
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
  'test/component/crash/step-boundaries.spec.ts',
  'test/component/netboot/loss.spec.ts',
  'test/component/driver/ipmi.spec.ts',
  'test/component/image-build/pipeline/pipeline.spec.ts',
  'test/component/lab/bmc.spec.ts',
  'test/component/netboot/dhcp.spec.ts',
  'test/component/agent/agent.spec.ts',
].map((name) => resolve(import.meta.dirname, '../..', name));

/**
 * Files that are known to be long begin first, so that both workers come to their end together. Vitest itself goes by
 * what the run before has taken, and in a fresh clone by the sizes of files, which say nothing of what they wait for.
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
