import { Controller, Delete, Get, HttpCode, Post, Put, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { ForbiddenError, InvalidError, NotFoundError } from '../../../domain/errors.js';
import { isObject } from '../../../domain/json.js';
import type { MemberStatus } from '../../../persistence/image-record/image-record.entity.js';
import { ImageRecordRepository } from '../../../persistence/image-record/image-record.repository.js';
import { Policy } from '../../auth/policy.js';
import type { RuleName } from '../../auth/policy-table.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { OBJECT } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { checkCount } from './image.controller.js';
import { type FoundImage, ImageFinder } from './image-finder.js';
import { ImageApiSettings } from './settings.js';
import { memberView } from './view.js';

const STATUSES: readonly MemberStatus[] = ['pending', 'accepted', 'rejected'];

@Controller('v2/images/:id/members')
export class ImageMemberController {
  constructor(
    private readonly records: ImageRecordRepository,
    private readonly conductor: Conductor,
    private readonly finder: ImageFinder,
    private readonly settings: ImageApiSettings,
  ) {}

  @Get()
  @Since(1)
  @Policy('image:get_members')
  @Describe({ summary: 'Projects that an image is shared with', answer: { schema: OBJECT } })
  async list(@Req() request: ApiRequest) {
    const { image } = await this.#shared(request, 'image:get_members', 'list');
    const members = await this.records.members(image.uuid);
    return { members: members.map(memberView), schema: '/v2/schemas/members' };
  }

  @Post()
  @HttpCode(200)
  @Since(1)
  @Policy('image:add_member')
  @Describe({
    summary: 'Share an image with a project',
    body: { schema: OBJECT },
    answer: { schema: OBJECT },
  })
  async add(@Req() request: ApiRequest) {
    const { member } = objectIn(request.body, 'Expected a member in the form: {"member": "image_id"}');
    if (member === undefined) throw new InvalidError('Member to be added not specified');
    if (typeof member !== 'string' || member === '' || member.length > 255)
      throw new InvalidError("Member can't be empty");
    const { image } = await this.#shared(request, 'image:add_member', 'create');
    const count = (await this.records.members(image.uuid)).length;
    checkCount('members', count + 1, this.settings.maxMembers);
    return memberView(await this.records.addMember(image.uuid, member, this.#note(image, request)));
  }

  @Get(':member')
  @Since(1)
  @Policy('image:get_members')
  @Describe({ summary: 'A member', answer: { schema: OBJECT } })
  async show(@Req() request: ApiRequest) {
    const { image } = await this.finder.find(request, 'image:get_members', missingImage);
    if (image.visibility !== 'shared') throw new NotFoundError('Only shared images have members.');
    const member = await this.records.member(image.uuid, request.params['member']!);
    if (!member) throw missing(request);
    return memberView(member);
  }

  @Put(':member')
  @Since(1)
  @Policy('image:modify_member')
  @Describe({ summary: 'Accept or reject an image', body: { schema: OBJECT }, answer: { schema: OBJECT } })
  async update(@Req() request: ApiRequest) {
    const { status } = objectIn(request.body, 'Expected a status in the form: {"status": "status"}');
    if (status === undefined) throw new InvalidError('Status not specified');
    const { image } = await this.#shared(request, 'image:modify_member', 'update');
    const known = STATUSES.find((one) => one === status);
    if (!known)
      throw new InvalidError(`Incorrect request: Status must be "pending", "accepted" or "rejected".`);
    const member = request.params['member']!;
    const changed = await this.records.setMember(image.uuid, member, known, this.#note(image, request));
    if (!changed) throw missing(request);
    return memberView(changed);
  }

  @Delete(':member')
  @HttpCode(204)
  @Since(1)
  @Policy('image:delete_member')
  @Describe({ summary: 'Share it no more' })
  async remove(@Req() request: ApiRequest): Promise<void> {
    const { image } = await this.#shared(request, 'image:delete_member', 'delete');
    const member = request.params['member']!;
    const removed = await this.records.removeMember(image.uuid, member, this.#note(image, request));
    if (!removed) throw missing(request);
  }

  #note({ uuid }: { uuid: string }, { asked }: ApiRequest) {
    return this.conductor.records.imageNote('changed', uuid, asked.by);
  }

  async #shared(request: ApiRequest, rule: RuleName, verb: string): Promise<FoundImage> {
    const found = await this.finder.find(request, rule, missingImage);
    const { image } = found;
    if (image.visibility !== 'shared')
      throw new ForbiddenError(
        `Not allowed to ${verb} members for image ${image.uuid}: Only shared images have members.`,
      );
    return found;
  }
}

function objectIn(body: unknown, otherwise: string): Record<string, unknown> {
  if (body === undefined) throw new InvalidError('Body expected in request.');
  if (!isObject(body)) throw new InvalidError(otherwise);
  return body as Record<string, unknown>;
}

function missing({ params }: ApiRequest): NotFoundError {
  return new NotFoundError(`${params['member']} not found in the member list of the image ${params['id']}.`);
}

function missingImage(id: string): string {
  return `Image ${id} not found.`;
}
