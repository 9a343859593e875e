import { buildIronicAgent, elementPlaces } from '../dib/dib.js';
import { probeUrl } from '../dib/distribution.js';
import { MissingToolsError } from '../error.js';
import { missingRights, missingTools } from '../probe/tool.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';

const ELEMENT = 'ironic-python-agent-ramdisk';
/** What the element clones and installs from (its source-repository file, and pip). */
const SOURCES = [
  'https://opendev.org/openstack/ironic-python-agent/info/refs?service=git-upload-pack',
  'https://pypi.org/simple/ironic-lib/',
];

/**
 * @throws SourceUnreachableError naming the address, where the agent's sources can't be had
 * @throws MissingToolsError naming the element, where ironic-python-agent-builder's elements are not here
 */
export async function probeIronicAgent(signal: AbortSignal): Promise<void> {
  for (const url of SOURCES) await probeUrl('the agent of Ironic', url, signal);
  const missing = [...missingTools(['disk-image-create', 'debootstrap', 'qemu-img']), ...missingRights()];
  if (elementPlaces(ELEMENT).length === 0)
    missing.push(`the element ${ELEMENT} (ironic-python-agent-builder's share/…/dib in ELEMENTS_PATH)`);
  if (missing.length > 0) throw new MissingToolsError(missing);
}

/** Kernel and ramdisk with OpenStack's own agent, by disk-image-builder; the names are those of Ferric's. */
export async function buildIronicDeploy(
  session: BuildSession,
  options: { output: string; packages: readonly string[]; cache: string },
): Promise<PublishedFile[]> {
  const { output, packages, cache } = options;
  await buildIronicAgent(session, cache, ELEMENT, packages);
  const files = {
    [`${output}.kernel`]: session.path('image.kernel'),
    [`${output}.initramfs`]: session.path('image.initramfs'),
  };
  return session.stage('publish', () => session.publish(files, `${output}.sha256`));
}
