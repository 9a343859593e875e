import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../../domain/errors.js';
import type { ImageRecord, MemberStatus } from '../../../persistence/image-record/image-record.entity.js';
import { ImageRecordRepository } from '../../../persistence/image-record/image-record.repository.js';
import type { ImageViewer } from '../../../persistence/image-record/list-statement.js';
import type { RuleName } from '../../auth/policy-table.js';
import type { Target } from '../../auth/who.js';
import type { ApiRequest, Asked } from '../../request/asked.js';

export interface FoundImage {
  image: ImageRecord;
  target: Target;
}

/** Images as one requester sees them: other projects' private images count as missing. */
@Injectable()
export class ImageFinder {
  constructor(private readonly records: ImageRecordRepository) {}

  /**
   * The image that the path names, once its route’s rule allows the request.
   * @throws NotFoundError, also for one that the requester may not see; ForbiddenError
   */
  async find(
    request: ApiRequest,
    rule: RuleName,
    missing = (id: string) => `No image found with ID ${id}`,
  ): Promise<FoundImage> {
    const id = request.params['id']!;
    const found = await this.#seen(id, request.asked);
    if (!found) throw new NotFoundError(missing(id));
    request.asked.scope.demand(rule, found.target);
    return found;
  }

  /** @returns null for an image that the requester may not see, or not download */
  async downloadable(id: string, asked: Asked): Promise<ImageRecord | null> {
    const found = await this.#seen(id, asked);
    return found && asked.scope.allows('image:download_image', found.target) ? found.image : null;
  }

  async #seen(id: string, asked: Asked): Promise<FoundImage | null> {
    const image = await this.records.find(id);
    if (!image) return null;
    const { project } = asked.scope;
    const isMember =
      image.visibility === 'shared' &&
      project !== null &&
      (await this.records.member(image.uuid, project)) !== null;
    const open = image.visibility === 'public' || image.visibility === 'community' || isMember;
    const isOwn = project !== null && image.owner === project;
    if (!seesAll(asked) && !open && !isOwn) return null;
    return { image, target: { owner: image.owner, open, member: isMember ? project : null } };
  }
}

export function viewerOf(asked: Asked, memberStatus: MemberStatus | 'all'): ImageViewer {
  return { project: asked.scope.project, all: seesAll(asked), memberStatus };
}

/** Whether the requester is Glance’s administrator: by the role alone, whatever its scope. */
export function seesAll({ scope }: Asked): boolean {
  return scope.allows('image:publicize_image');
}
