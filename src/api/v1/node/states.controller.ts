import { Controller, Delete, Get, HttpCode, Put, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { ConflictError, FerricError, InvalidError } from '../../../domain/errors.js';
import { POWER_TARGETS, type PowerTarget } from '../../../domain/power/power.js';
import { factsOfRow } from '../../../domain/provision/machine.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, TEXT } from '../../openapi/json-schema.js';
import { readInteger, readText, refuseUnknown, required } from '../../request/arguments.js';
import type { ApiReply, ApiRequest, Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { objectBody } from '../../resource/write.js';
import { RunbookUse } from '../runbook/runbook-use.js';
import { NODE, statesFields } from './fields.js';
import { ImageSight } from './image-sight.js';
import { NodeFinder } from './node-finder.js';
import { NodeView } from './node-view.js';
import { PROVISION, readProvision, readVerb } from './provision-request.js';

const POWER = objectOf({ target: { enum: POWER_TARGETS }, timeout: { type: ['integer', 'null'] } }, [
  'target',
]);

/** States of a node. 202 means that the change is stored and cannot be lost. */
@Controller('v1/nodes/:ident')
export class NodeStatesController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
    private readonly view: NodeView,
    private readonly runbookUse: RunbookUse,
    private readonly images: ImageSight,
  ) {}

  @Get('states')
  @Since(1)
  @Policy('baremetal:node:get_states')
  @Describe({ summary: 'States of a node', answer: { part: NODE } })
  async states(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const { links, ...states } = await this.view.one(node, asked, statesFields(asked.version));
    return states;
  }

  @Put('states/provision')
  @HttpCode(202)
  @Since(1)
  @Policy('baremetal:node:set_provision_state')
  @Describe({ summary: 'Ask for a provision state', body: { schema: PROVISION } })
  async provision(@Req() { asked, params, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const node = await this.finder.find(params['ident']!, asked);
    const now = Date.now();
    const { given } = readVerb(node, body, asked.version, now);
    const expanded = await this.runbookUse.expand(node, given, asked);
    const { verb, args } = readProvision(node, expanded, asked.version, now);
    if (verb === 'deploy' || verb === 'active' || verb === 'rebuild') {
      await this.images.demandDeployable(node, asked);
    }
    await this.conductor.verbs.provision(node, verb, args, asked.by);
    accepted(reply, asked, params['ident']!);
  }

  @Put('states/power')
  @HttpCode(202)
  @Since(1)
  @Policy('baremetal:node:set_power_state')
  @Describe({ summary: 'Ask for a power state', body: { schema: POWER } })
  async power(@Req() { asked, params, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const ident = params['ident']!;
    const node = await this.finder.find(ident, asked);
    const given = objectBody('power', body);
    refuseUnknown(given, ['target', 'timeout']);
    const target = required('target', readText(given, 'target', 100));
    const timeout = readInteger(given, 'timeout');
    if ((target.startsWith('soft ') || timeout !== null) && !asked.version.does('softPower')) {
      throw new FerricError('not-acceptable', 'Request not acceptable.');
    }
    if (timeout !== null && timeout < 1) throw new InvalidError('timeout has to be positive integer');
    const illegal = (state: string | null) =>
      new InvalidError(
        `The requested action "${shorten(target)}" can not be performed on node "${ident}" ` +
          `while it is in state "${state ?? 'None'}".`,
      );
    if (!isPowerTarget(target)) throw illegal(node.power_state);
    if (factsOfRow(node).powerLocked) {
      throw illegal(node.provision_state);
    }
    if (target.endsWith('power off') && node.disable_power_off) {
      throw new ConflictError(`Failed to set node power state to ${target}.`);
    }
    await this.conductor.verbs.setPower(node.uuid, target, timeout, asked.by);
    accepted(reply, asked, ident);
  }

  @Put('maintenance')
  @HttpCode(202)
  @Since(1)
  @Policy('baremetal:node:set_maintenance')
  @Describe({
    summary: 'Put a node in maintenance',
    body: { schema: objectOf({ reason: TEXT }, []), optional: true },
  })
  async setMaintenance(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const given = objectBody('maintenance', body);
    refuseUnknown(given, ['reason']);
    await this.conductor.nodes.setMaintenance(node.uuid, true, readText(given, 'reason', 4096), asked.by);
  }

  @Delete('maintenance')
  @HttpCode(202)
  @Since(1)
  @Policy('baremetal:node:clear_maintenance')
  @Describe({ summary: 'End the maintenance of a node' })
  async clearMaintenance(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    await this.conductor.nodes.setMaintenance(node.uuid, false, null, asked.by);
  }
}

function isPowerTarget(target: string): target is PowerTarget {
  return (POWER_TARGETS as readonly string[]).includes(target);
}

/** @param ident the client's name of the node */
function accepted(reply: ApiReply, { base }: Asked, ident: string): void {
  reply.header('location', `${base}/v1/nodes/${encodeURIComponent(ident)}/states`);
}
