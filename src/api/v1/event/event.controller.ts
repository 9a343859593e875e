import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { InvalidError } from '../../../domain/errors.js';
import { isObject } from '../../../domain/json.js';
import { isUuidLike } from '../../../domain/node/name.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRING, TEXT } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { isMacAddress, shorten } from '../../request/value.js';
import { objectBody } from '../../resource/write.js';

/** ironic/api/schemas/v1/event.py */
const EVENTS = ['network.bind_port', 'network.unbind_port', 'network.delete_port'];
const REQUIRED = ['event', 'port_id', 'mac_address', 'status'];
const OPTIONAL = ['device_id', 'binding:host_id', 'binding:vnic_type'];
const MOST_EVENTS = 1000;
const EVENT = objectOf(
  Object.fromEntries([...REQUIRED.map((name) => [name, STRING]), ...OPTIONAL.map((name) => [name, TEXT])]),
  REQUIRED,
);
const BODY = objectOf({ events: { type: 'array', minItems: 1, items: EVENT } }, ['events']);

/** `POST /v1/events`: events of a network service. Nothing waits for them yet, nor in Ironic. */
@Controller('v1/events')
export class EventController {
  @Post()
  @HttpCode(204)
  @Since(54)
  @Policy('baremetal:events:post')
  @Describe({ summary: 'Tell what happened on the network', body: { schema: BODY } })
  receive(@Req() { body }: ApiRequest): void {
    const given = objectBody('events', body);
    const fault = Object.keys(given).some((name) => name !== 'events')
      ? 'Additional properties are not allowed'
      : listFault(given['events']);
    if (fault !== null) throw new InvalidError(`Schema error for events: ${fault}`);
  }
}

function listFault(events: unknown): string | null {
  if (events === undefined) return "'events' is a required property";
  if (!Array.isArray(events)) return "events is not of type 'array'";
  if (events.length === 0) return '[] is too short';
  if (events.length > MOST_EVENTS) return 'it has too many items';
  return events.map(eventFault).find((fault) => fault !== null) ?? null;
}

function eventFault(event: unknown): string | null {
  if (!isObject(event)) return "an event is not of type 'object'";
  const missing = REQUIRED.find((name) => !Object.hasOwn(event, name));
  if (missing !== undefined) return `'${missing}' is a required property`;
  const unknown = Object.keys(event).find((name) => ![...REQUIRED, ...OPTIONAL].includes(name));
  if (unknown !== undefined) {
    return `Additional properties are not allowed ('${shorten(unknown)}' was unexpected)`;
  }
  const notText = Object.entries(event).find(
    ([name, value]) => typeof value !== 'string' && !(value === null && OPTIONAL.includes(name)),
  );
  if (notText) return `${notText[0]} is not of type 'string'`;
  const { event: kind, mac_address } = event as Record<string, string>;
  if (!EVENTS.includes(kind!)) {
    return `'${shorten(kind!)}' is not one of [${EVENTS.map((name) => `'${name}'`).join(', ')}]`;
  }
  if (!isMacAddress(mac_address!)) return `'${shorten(mac_address!)}' is not a 'mac-address'`;
  const uuids = ['port_id', 'device_id', 'binding:host_id'];
  const odd = uuids.map((name) => event[name]).find((id) => typeof id === 'string' && !isUuidLike(id));
  return odd === undefined ? null : `'${shorten(String(odd))}' is not a 'uuid'`;
}
