import { UnsupportedError } from '../../src/domain/errors.js';
import { buildFromBase, guestfs, loop } from '../customise/from-base.js';
import { buildDib, dib } from '../dib/dib.js';
import { probeDistribution } from '../dib/distribution.js';
import { buildDirect, direct } from '../direct/direct.js';
import { MissingToolsError } from '../error.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';
import type { Backend, UserImageRequest } from './request.js';

/** The quickest first. */
const BACKENDS: readonly Backend[] = [direct, dib, loop, guestfs];
export const BACKEND_NAMES = BACKENDS.map(({ name }) => name);

/**
 * Asks where the distribution comes from, before anything else is.
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
  /** Why this one. */
  reason: string;
}

/**
 * The backend that builds: the one that was asked for, else the quickest that can do it and has what it needs.
 * @throws UnsupportedError when none can do what was asked, with each one's objection
 * @throws MissingToolsError when one could, if the machine had what it needs
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
