import { existsSync } from 'node:fs';
import { messageOf } from '../../src/domain/errors.js';
import { buildIronicAgent, elementPlaces } from '../dib/dib.js';
import { probeUrl } from '../dib/distribution.js';
import { MissingToolsError, SourceUnreachableError } from '../error.js';
import { missingRights, missingTools } from '../probe/tool.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';

const ELEMENT = 'ironic-python-agent-ramdisk';

interface Source {
  name: string;
  /** Variable of disk-image-builder that overrides the address. */
  variable: string;
  usual: string;
  /** Path below the address that the probe requests. */
  probe: string;
}

/**
 * Sources of the element: its source-repository files, and what `pip install` of the agent downloads first. The
 * overriding variables are those of disk-image-builder's elements source-repositories and pypi.
 */
const SOURCES: readonly Source[] = [
  {
    name: 'ironic-python-agent',
    variable: 'DIB_REPOLOCATION_ironic_python_agent',
    usual: 'https://opendev.org/openstack/ironic-python-agent',
    probe: '/info/refs?service=git-upload-pack',
  },
  {
    name: 'the constraints of its requirements',
    variable: 'DIB_REPOLOCATION_requirements',
    usual: 'https://opendev.org/openstack/requirements',
    probe: '/info/refs?service=git-upload-pack',
  },
  {
    name: 'the Python packages that it requires',
    variable: 'DIB_PYPI_MIRROR_URL',
    usual: 'https://pypi.org/simple',
    probe: '/oslo.config/',
  },
];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param environment overrides of the addresses, by disk-image-builder's variables
 * @throws SourceUnreachableError naming every unreachable address, and its variable
 * @throws MissingToolsError naming the element, when ironic-python-agent-builder's elements are not installed
 */
export async function probeIronicAgent(environment: Environment, signal: AbortSignal): Promise<void> {
  const asked = await Promise.allSettled(SOURCES.map((source) => probeSource(source, environment, signal)));
  const faults = asked.flatMap((one) => (one.status === 'rejected' ? [messageOf(one.reason)] : []));
  if (faults.length > 0)
    throw new SourceUnreachableError(`the agent of Ironic can't be built here: ${faults.join('; ')}`);
  const missing = [...missingTools(['disk-image-create', 'debootstrap', 'qemu-img']), ...missingRights()];
  if (elementPlaces(ELEMENT).length === 0)
    missing.push(`the element ${ELEMENT} (ironic-python-agent-builder's share/…/dib in ELEMENTS_PATH)`);
  if (missing.length > 0) throw new MissingToolsError(missing);
}

async function probeSource(
  { name, variable, usual, probe }: Source,
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  const place = environment[variable] || usual;
  const elsewhere = ` (${variable} names another place)`;
  if (/^https?:/.test(place)) {
    try {
      await probeUrl(name, place.replace(/\/+$/, '') + probe, signal);
    } catch (error) {
      throw new SourceUnreachableError(messageOf(error) + elsewhere, { cause: error });
    }
  } else if (place.startsWith('/') && !existsSync(place))
    throw new SourceUnreachableError(
      `the source of ${name} can't be reached: there is no ${place}${elsewhere}`,
    );
}

/** Kernel and ramdisk with OpenStack's own agent, by disk-image-builder; file names as for Ferric's. */
export async function buildIronicDeploy(
  session: BuildSession,
  options: { output: string; packages: readonly string[]; cache: string; environment: Environment },
): Promise<PublishedFile[]> {
  const { output, packages, cache, environment } = options;
  const settings = Object.entries(environment).filter(([name]) => /^(DIB_(REPO|PYPI|IPA)|IPA_)/.test(name));
  // The element `pypi` makes pip use another index.
  const elements = [ELEMENT, ...(environment['DIB_PYPI_MIRROR_URL'] ? ['pypi'] : [])];
  await buildIronicAgent(
    session,
    cache,
    elements,
    packages,
    Object.fromEntries(settings) as Record<string, string>,
  );
  const files = {
    [`${output}.kernel`]: session.path('image.kernel'),
    [`${output}.initramfs`]: session.path('image.initramfs'),
  };
  return session.stage('publish', () => session.publish(files, `${output}.sha256`));
}
