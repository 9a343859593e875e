import { FerricError, UnsupportedError } from '../../domain/errors.js';
import type { MediaDevice } from '../../domain/hardware/component.js';
import { pause } from '../../platform/pause.js';
import { linkOf, type Resource, textOf } from '../../protocol/redfish/resource.js';
import {
  ejectCall,
  holds,
  insertCall,
  type MediaCall,
  type MediaSlot,
  type Medium,
  nextInsert,
  protocolOf,
  readSlot,
  slotsFor,
  takes,
} from '../../protocol/redfish/virtual-media.js';
import type { MediaDrive } from '../contract/management.js';
import { RedfishError } from './faults.js';
import type { RedfishMachine } from './machine.js';
import { awaitTask } from './tasks.js';

/** ms for a task that inserts a medium: BMCs may download the whole of it. */
const TASK = 300_000;
/** ms between polls of a slot, and number of polls: some BMCs show an inserted medium late. */
const LOOK = 1_500;
const LOOKS = 12;
/** Attempts on a slot that reports an internal fault, and ms between them (iDRAC: an eject is in progress). */
const TRIES = 3;
const TRY_PAUSE = 3_000;
const MOST_FORMS = 6;

/** Virtual media of a machine: slots of its System, else of its Managers. */
export class RedfishMedia {
  async list(machine: RedfishMachine): Promise<MediaDrive[]> {
    const { resource } = await machine.system();
    return (await this.slots(machine, resource)).map(({ mediaTypes, image, occupied }) => ({
      media_types: [...mediaTypes],
      image: image ?? null,
      inserted: occupied,
    }));
  }

  /**
   * Inserts a medium and verifies it. Slots of its kind are ejected first, whatever the BMC shows.
   * @throws UnsupportedError if no slot accepts the device, FerricError bmc-failed if every slot refuses it
   */
  async insert(machine: RedfishMachine, device: MediaDevice, medium: Medium): Promise<void> {
    const { resource } = await machine.system();
    const { differences } = await machine.differences(resource);
    await this.eject(machine, [device]);
    const all = await this.slots(machine, resource);
    const candidates = slotsFor(device, all, differences);
    if (candidates.length === 0) throw noSlot(device, all);
    const refusals: string[] = [];
    for (const slot of candidates) {
      const { protocols } = slot;
      const protocol = medium.protocol ?? protocolOf(medium.url);
      if (protocols && protocols.length > 0 && protocol !== 'HTTP' && !protocols.includes(protocol)) {
        refusals.push(`${slot.id}: it takes ${protocols.join(', ')}, not ${protocol}`);
        continue;
      }
      const info = slot.insert ? await machine.actionInfo(slot.insert) : undefined;
      const refusal = await this.insertInto(
        machine,
        slot,
        insertCall(slot, medium, differences, info),
        medium.url,
      );
      if (refusal === undefined) return;
      refusals.push(`${slot.id}: ${refusal}`);
    }
    throw new FerricError('bmc-failed', `No slot for virtual media took the image: ${refusals.join('; ')}`);
  }

  /** Ejects the slots of these devices, of System and Managers alike. @param devices null: all */
  async eject(machine: RedfishMachine, devices: readonly MediaDevice[] | null): Promise<void> {
    const { resource } = await machine.system();
    const all = await this.slots(machine, resource, 'everywhere');
    for (const slot of all) {
      if (devices && !devices.some((device) => takes(slot, device))) continue;
      if (!slot.inserted && slot.image === undefined) continue;
      const call = ejectCall(slot);
      if (!call) continue;
      try {
        await awaitTask(machine, await this.send(machine, call), TASK);
      } catch (error) {
        if (!(error instanceof RedfishError) || error.status === undefined) throw error;
        // iDRAC shows an ejected medium and refuses to eject it again. The insert shows whether the slot is free.
        machine.caller.log.warn(
          { slot: slot.id, error: error.message },
          'virtual media: the BMC refused to eject',
        );
      }
    }
  }

  private async slots(
    machine: RedfishMachine,
    system: Resource,
    where: 'first' | 'everywhere' = 'first',
  ): Promise<MediaSlot[]> {
    const found = new Map<string, MediaSlot>();
    const add = async (path: string | undefined) => {
      for (const member of await machine.members(path)) {
        const slot = readSlot(member);
        if (slot && !found.has(slot.uri)) found.set(slot.uri, slot);
      }
    };
    await add(linkOf(system, 'VirtualMedia'));
    if (found.size > 0 && where === 'first') return [...found.values()];
    for (const manager of await machine.managers(system)) await add(linkOf(manager, 'VirtualMedia'));
    return [...found.values()];
  }

  /** @returns why the slot refused it; undefined: it is inserted */
  private async insertInto(
    machine: RedfishMachine,
    slot: MediaSlot,
    first: MediaCall,
    url: string,
  ): Promise<string | undefined> {
    let call = first;
    let refusal = 'it was refused';
    let faults = 0;
    for (let form = 0; form < MOST_FORMS; form++) {
      try {
        await awaitTask(machine, await this.send(machine, call), TASK);
        return await this.isIn(machine, slot, url);
      } catch (error) {
        if (!(error instanceof RedfishError)) throw error;
        if (error.code === 'bmc-authentication' || (error.status === undefined && !error.unanswered))
          throw error;
        refusal = error.fault.text;
        // After a missing answer or an internal fault of the BMC, the state of the slot decides.
        if (error.unanswered || (error.status ?? 0) >= 500) {
          if ((await this.isIn(machine, slot, url, 2)) === undefined) return undefined;
          if (++faults >= TRIES) return refusal;
          await pause(TRY_PAUSE, machine.caller.signal);
          continue;
        }
        const next = nextInsert(call, error.messages);
        if (!next) return refusal;
        call = next;
      }
    }
    return refusal;
  }

  private send(machine: RedfishMachine, call: MediaCall) {
    return call.how === 'action'
      ? machine.post(call.target, call.body)
      : machine.patch(call.target, call.body);
  }

  /** @returns what is wrong; undefined: our image is in the slot */
  private async isIn(
    machine: RedfishMachine,
    slot: MediaSlot,
    url: string,
    looks = LOOKS,
  ): Promise<string | undefined> {
    let seen = 'nothing';
    for (let look = 0; look < looks; look++) {
      if (look > 0) await pause(LOOK, machine.caller.signal);
      const resource = await machine.get(slot.uri);
      const now = readSlot(resource);
      if (!now) continue;
      seen = holds(now, url, textOf(resource, 'ImageName'));
      // A slot that was empty before the insert counts as ours if the service does not show its image.
      if (seen === 'ours' || (seen === 'unknown' && !slot.inserted)) return undefined;
    }
    return seen === 'another'
      ? 'the BMC says that it was inserted, and shows another image'
      : 'the BMC says that it was inserted, and shows that the slot is empty';
  }
}

function noSlot(device: MediaDevice, all: readonly MediaSlot[]): UnsupportedError {
  const there = all.map(({ id, mediaTypes }) => `${id} (${mediaTypes.join(', ') || 'nothing'})`).join(', ');
  return new UnsupportedError(
    all.length === 0
      ? 'The BMC has no virtual media: its firmware may be too old, or a licence may be missing.'
      : `The BMC has no slot for virtual media of device ${device}; it has ${there}.`,
  );
}
