import { Controller, Get, HttpCode, Put, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError } from '../../../domain/errors.js';
import { COMPONENTS } from '../../../domain/hardware/component.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { FLAG, LINKS, objectOf, STRING, STRINGS, TEXT } from '../../openapi/json-schema.js';
import { readFlag, readText, refuseUnknown, required } from '../../request/arguments.js';
import type { ApiRequest } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { linksTo } from '../../resource/links.js';
import { objectBody } from '../../resource/write.js';
import { NodeFinder } from './node-finder.js';

const LIGHT = objectOf({
  name: STRING,
  component: STRING,
  readonly: FLAG,
  states: STRINGS,
  links: LINKS,
});
const LIGHTS = objectOf({ indicators: { type: 'array', items: LIGHT } });
/** Ironic's history says 1.63, but its server does not check (api/controllers/v1/node.py, IndicatorController). */
const LIGHTS_SINCE = 1;
const LIGHT_STATE = objectOf({ state: STRING });

@Controller('v1/nodes/:ident/management')
export class NodeManagementController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
  ) {}

  @Get('boot_device')
  @Since(1)
  @Policy('baremetal:node:get_boot_device')
  @Describe({ summary: 'Boot device', answer: { schema: objectOf({ boot_device: TEXT, persistent: FLAG }) } })
  async bootDevice(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    return this.conductor.hardware.getBootDevice(node.uuid);
  }

  @Put('boot_device')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:node:set_boot_device')
  @Describe({
    summary: 'Set the boot device',
    body: { schema: objectOf({ boot_device: STRING, persistent: FLAG }, ['boot_device']) },
  })
  async setBootDevice(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const given = objectBody('boot_device', body);
    refuseUnknown(given, ['boot_device', 'persistent']);
    const device = required('boot_device', readText(given, 'boot_device', 100));
    await this.conductor.hardware.setBootDevice(
      node.uuid,
      device,
      readFlag(given, 'persistent') ?? false,
      asked.by,
    );
  }

  @Get('boot_device/supported')
  @Since(1)
  @Policy('baremetal:node:get_boot_device')
  @Describe({
    summary: 'Boot devices that can be set',
    answer: { schema: objectOf({ supported_boot_devices: STRINGS }) },
  })
  async supportedBootDevices(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    return { supported_boot_devices: await this.conductor.hardware.supportedBootDevices(node.uuid) };
  }

  @Put('inject_nmi')
  @HttpCode(204)
  @Since(29)
  @Policy('baremetal:node:inject_nmi')
  @Describe({ summary: 'Inject an NMI', body: { schema: objectOf({}), optional: true } })
  async injectNmi(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    refuseUnknown(objectBody('inject_nmi', body ?? {}), []);
    await this.conductor.hardware.injectNmi(node.uuid, asked.by);
  }

  @Get('indicators')
  @Since(LIGHTS_SINCE)
  @Policy('baremetal:node:get_indicator_state')
  // Ironic accepts and ignores any parameter here.
  @Describe({ summary: 'Lights of a node', answer: { schema: LIGHTS }, anyQuery: true })
  indicators(@Req() request: ApiRequest) {
    return this.#list(request, null);
  }

  /** `name@component` is one light, as in Ironic's server; a component lists its lights. */
  @Get('indicators/:indicator')
  @Since(LIGHTS_SINCE)
  @Policy('baremetal:node:get_indicator_state')
  @Describe({
    summary: 'State of a light, or the lights of a component',
    answer: { schema: { anyOf: [LIGHT_STATE, LIGHTS] } },
  })
  async indicator(@Req() request: ApiRequest) {
    const named = request.params['indicator']!;
    if ((COMPONENTS as readonly string[]).includes(named)) return this.#list(request, named);
    const node = await this.finder.find(request.params['ident']!, request.asked);
    const { component, name } = parts(named);
    return { state: await this.conductor.hardware.indicator(node.uuid, component, name) };
  }

  @Put('indicators/:indicator')
  @HttpCode(204)
  @Since(LIGHTS_SINCE)
  @Policy('baremetal:node:set_indicator_state')
  @Describe({ summary: 'Set a light', body: { schema: LIGHT_STATE } })
  setIndicator(@Req() request: ApiRequest) {
    return this.#set(request, parts(request.params['indicator']!));
  }

  /** The path that python-ironicclient uses. */
  @Get('indicators/:component/:name')
  @Since(LIGHTS_SINCE)
  @Policy('baremetal:node:get_indicator_state')
  @Describe({ summary: 'State of a light of a component', answer: { schema: LIGHT_STATE } })
  async indicatorOf(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const { component, name } = params;
    return { state: await this.conductor.hardware.indicator(node.uuid, component!, bare(name!, component!)) };
  }

  @Put('indicators/:component/:name')
  @HttpCode(204)
  @Since(LIGHTS_SINCE)
  @Policy('baremetal:node:set_indicator_state')
  @Describe({ summary: 'Set a light of a component', body: { schema: LIGHT_STATE } })
  setIndicatorOf(@Req() request: ApiRequest) {
    const { component, name } = request.params;
    return this.#set(request, { component: component!, name: bare(name!, component!) });
  }

  async #list({ asked, params }: ApiRequest, only: string | null) {
    const node = await this.finder.find(params['ident']!, asked);
    const table = await this.conductor.hardware.indicators(node.uuid);
    const indicators = Object.entries(table)
      .filter(([component]) => only === null || component === only)
      .flatMap(([component, lights]) =>
        Object.entries(lights).map(([light, { readonly, states }]) => {
          const name = `${light}@${component}`;
          const links = linksTo(asked.base, `nodes/${params['ident']}/management/indicators/${name}`);
          return { name, component, readonly, states, links };
        }),
      );
    return { indicators };
  }

  async #set({ asked, params, body }: ApiRequest, { component, name }: { component: string; name: string }) {
    const node = await this.finder.find(params['ident']!, asked);
    const given = objectBody('indicator', body);
    refuseUnknown(given, ['state']);
    const state = required('state', readText(given, 'state', 100)).toLowerCase();
    await this.conductor.hardware.setIndicator(node.uuid, { component, name }, state, asked.by);
  }
}

/** @throws InvalidError with Ironic's text */
function parts(unique: string): { component: string; name: string } {
  const at = unique.indexOf('@');
  if (at < 0) throw new InvalidError(`Malformed indicator name "${shorten(unique)}"`);
  return { name: unique.slice(0, at), component: unique.slice(at + 1) };
}

/** Lists name lights as `name@component`, and clients repeat that. */
function bare(name: string, component: string): string {
  return name.endsWith(`@${component}`) ? name.slice(0, -component.length - 1) : name;
}
