import { UnsupportedError } from '../../src/domain/errors.js';
import { buildFromBase, guestfs, loop } from '../customise/from-base.js';
import { buildDib, dib } from '../dib/dib.js';
import { probeDistribution } from '../dib/distribution.js';
import { buildDirect, direct } from '../direct/direct.js';
import { MissingToolsError } from '../error.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';
import type { Backend, UserImageRequest } from './request.js';

/** The fastest first. */
const BACKENDS: readonly Backend[] = [direct, dib, loop, guestfs];
export const BACKEND_NAMES = BACKENDS.map(({ name }) => name);

/**
 * Probes the distribution's source before any work.
 * @throws SourceUnreachableError naming the address
 */
export async function probeSource(
  { distro, release, mirror, base }: UserImageRequest,
  signal: AbortSignal,
): Promise<void> {
  if (base !== undefined) return;
  await probeDistribution(distro, release, mirror, signal);
}

export interface Choice {
  backend: Backend;
  /** Reason of the choice. */
  reason: string;
}

/**
 * Chooses the backend: the requested one, else the fastest that supports the request and has its tools.
 * @throws UnsupportedError when none supports the request, with each one's objection
 * @throws MissingToolsError when one would support it, but lacks tools
 */
export function chooseBackend(request: UserImageRequest, name?: string): Choice {
  const tried = BACKENDS.filter((backend) => name === undefined || backend.name === name);
  const passedOver: string[] = [];
  let missing: MissingToolsError | undefined;
  for (const backend of tried) {
    const objection = backend.objection(request);
    if (objection !== undefined) {
      passedOver.push(`${backend.name}: ${objection}`);
      continue;
    }
    const lacks = backend.missing(request);
    if (lacks.length > 0) {
      missing ??= new MissingToolsError(lacks, ` for the backend ${backend.name}`);
      passedOver.push(`${backend.name}: missing ${lacks.join(', ')}`);
      continue;
    }
    const why = name === undefined ? 'the quickest that can do this' : 'asked for';
    const others = passedOver.length > 0 ? `; ${passedOver.join('; ')}` : '';
    return { backend, reason: `${why} (${backend.about})${others}` };
  }
  throw missing ?? new UnsupportedError(`no backend can build this: ${passedOver.join('; ')}`);
}

export function buildUserImage(
  session: BuildSession,
  backend: Backend,
  request: UserImageRequest,
  cache: string,
): Promise<PublishedFile[]> {
  session.log.note(`backend ${backend.name}`);
  switch (backend.name) {
    case 'direct':
      return buildDirect(session, request, cache);
    case 'dib':
      return buildDib(session, request, cache);
    case 'loop':
    case 'guestfs':
      return buildFromBase(session, request, backend.name);
  }
}
