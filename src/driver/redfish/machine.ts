import { FerricError, InvalidError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import {
  type Action,
  type ActionParameter,
  allowableOf,
  readActionInfo,
} from '../../protocol/redfish/action.js';
import { hasMessage } from '../../protocol/redfish/error-body.js';
import { ifMatchForms } from '../../protocol/redfish/etag.js';
import { type Differences, differencesOf, type Identity, identityOf } from '../../protocol/redfish/quirk.js';
import { QUIRKS } from '../../protocol/redfish/quirk-table.js';
import {
  idOf,
  isBareLink,
  linkOf,
  linksOf,
  partOf,
  type Resource,
  readCollection,
  textOf,
  type Uri,
} from '../../protocol/redfish/resource.js';
import type { ServiceRoot } from '../../protocol/redfish/service-root.js';
import type { ReadContext } from '../contract/context.js';
import { type Caller, callerOf, type RedfishClient } from './client.js';
import { RedfishError } from './faults.js';
import type { Repeat } from './retry.js';
import type { Answer, Upload } from './transport.js';

/** A resource, and the entity tag for a conditional change of it. */
export interface Read {
  readonly resource: Resource;
  readonly etag: string | undefined;
  /** Bytes of the answer. */
  readonly size: number;
}

/** State of a machine that is kept between two calls: its path, and its deviations from the specification. */
interface Known {
  system?: Uri;
  /** Includes the manager's identity, which takes more requests than a poll should make. */
  differences?: { readonly identity: Identity; readonly differences: Differences };
  /** What the System showed of its boot when it was last read. */
  boot?: Resource;
}

const MOST = 50_000;
const MOST_PAGES = 100;
const MOST_MEMBERS = 2_000;
/** Managers or chassis that are read of those that a system links. */
const MOST_LINKED = 32;
/** Bytes of resources that are read to be held together: a service may have large ones, but not many of them. */
const MOST_HELD = 16 * 1024 * 1024;

/** The machines that a client can reach. */
export class RedfishMachines {
  private readonly known = new Map<string, Known>();

  constructor(readonly client: RedfishClient) {}

  /** The node's machine, for one call. @throws InvalidError naming fields of driver_info */
  of(context: ReadContext): RedfishMachine {
    const caller = callerOf(context);
    const key = `${this.client.keyOf(caller.target)} ${caller.target.systemId ?? ''}`;
    let known = this.known.get(key);
    if (!known) {
      known = {};
      this.known.set(key, known);
      if (this.known.size > MOST) {
        for (const oldest of this.known.keys()) {
          this.known.delete(oldest);
          break;
        }
      }
    }
    return new RedfishMachine(this.client, caller, known);
  }
}

/** One machine of a Redfish service. It remembers where resources are, never their content. */
export class RedfishMachine {
  constructor(
    readonly client: RedfishClient,
    readonly caller: Caller,
    private readonly known: Known,
  ) {}

  root(): Promise<ServiceRoot> {
    return this.client.root(this.caller);
  }

  /** @throws RedfishError, also for an answer that is no resource */
  async read(path: Uri): Promise<Read> {
    const answer = await this.client.send(this.caller, { method: 'GET', path, repeat: 'looks' });
    const { body } = answer;
    if (body) return { resource: body, etag: answer.etag ?? textOf(body, '@odata.etag'), size: answer.size };
    const text = 'the BMC’s answer is no Redfish resource';
    throw new RedfishError({ code: 'bmc-failed', outcome: 'refused', text }, { method: 'GET', path });
  }

  async get(path: Uri): Promise<Resource> {
    return (await this.read(path)).resource;
  }

  /** @returns undefined for a resource that does not exist, or that the service cannot return now */
  async find(path: Uri | undefined): Promise<Resource | undefined> {
    return path === undefined ? undefined : (await this.findRead(path))?.resource;
  }

  private async findRead(path: Uri): Promise<Read | undefined> {
    try {
      return await this.read(path);
    } catch (error) {
      if (!(error instanceof RedfishError) || error.status === undefined || error.status === 401) throw error;
      if (error.status === 503 || error.status === 429) throw error;
      return undefined;
    }
  }

  /**
   * The members of a collection as whole resources, page by page; expanded where the service supports that.
   * @param skips omits members that cannot be read; otherwise they fail the call
   * @throws RedfishError bmc-failed, also for members that are too large together
   */
  async members(path: Uri | undefined, skips = true): Promise<Resource[]> {
    if (path === undefined) return [];
    const { expands } = await this.root();
    const found: Resource[] = [];
    const held = new Held(path);
    for await (const { read, members } of this.pages(expands ? `${path}?$expand=.($levels=1)` : path, path)) {
      held.add(read);
      for (const member of members) {
        if (found.length >= MOST_MEMBERS) return found;
        const whole = isBareLink(member) ? await this.member(idOf(member), skips, held) : member;
        if (whole) found.push(whole);
      }
    }
    return found;
  }

  /** Paths of a collection's members, page by page; the members are not read. A missing collection has none. */
  async memberPaths(path: Uri | undefined, mostPages = MOST_PAGES): Promise<Uri[]> {
    const paths: Uri[] = [];
    if (path === undefined) return paths;
    for await (const { members } of this.pages(path, path, mostPages)) {
      paths.push(...members.flatMap((member) => idOf(member) ?? []));
    }
    return paths;
  }

  private async *pages(
    first: Uri,
    plain: Uri,
    most = MOST_PAGES,
  ): AsyncGenerator<{ read: Read; members: Resource[] }> {
    const seen = new Set<Uri>();
    for (let next: Uri | undefined = first; next !== undefined && seen.size < most && !seen.has(next); ) {
      const read: Read | undefined = await this.page(next, plain, seen.size);
      if (!read) return;
      seen.add(next);
      const { members, next: following } = readCollection(read.resource);
      yield { read, members };
      next = following;
    }
  }

  /** A service may announce that it expands collections, and refuse to. */
  private async page(path: Uri, plain: Uri, page: number): Promise<Read | undefined> {
    if (page === 0 && path !== plain) return (await this.findRead(path)) ?? this.findRead(plain);
    return this.findRead(path);
  }

  private async member(path: Uri | undefined, skips: boolean, held: Held): Promise<Resource | undefined> {
    if (path === undefined) return undefined;
    const read = await (skips ? this.findRead(path) : this.read(path));
    if (read) held.add(read);
    return read?.resource;
  }

  /**
   * The resources that a resource links, without those that cannot be read: one after another, as members.
   * @throws RedfishError bmc-failed, also for resources that are too large together
   */
  async linked(resource: Resource | undefined, name: string, most = MOST_MEMBERS): Promise<Resource[]> {
    const paths = linksOf(resource, name).slice(0, most);
    const held = new Held(paths[0] ?? '/');
    const found: Resource[] = [];
    for (const path of paths) {
      const one = await this.member(path, true, held);
      if (one) found.push(one);
    }
    return found;
  }

  /** The ComputerSystem, not cached. @throws InvalidError if the service has several and the node names none */
  async system(): Promise<Read & { path: Uri }> {
    const { known } = this;
    const path = known.system ?? (await this.findSystem());
    try {
      const read = await this.read(path);
      known.system = path;
      const { Boot, '@Redfish.Settings': settings } = read.resource;
      known.boot = { Boot: Boot ?? null, '@Redfish.Settings': settings ?? null };
      return { ...read, path };
    } catch (error) {
      if (!(error instanceof RedfishError) || error.status !== 404) throw error;
      delete known.system;
      delete known.differences;
      delete known.boot;
      this.client.forgetRoot(this.caller);
      throw error;
    }
  }

  private async findSystem(): Promise<Uri> {
    const { systemId } = this.caller.target;
    const root = await this.root();
    if (systemId !== undefined) return systemId;
    if (root.systems === undefined) {
      throw new FerricError(
        'bmc-failed',
        `The Redfish service of the BMC ${this.caller.target.address} has no Systems.`,
      );
    }
    const collection = await this.get(root.systems);
    const paths = readCollection(collection).members.flatMap((member) => idOf(member) ?? []);
    const [first, ...others] = paths;
    if (first !== undefined && others.length === 0) return first;
    if (first === undefined) {
      throw new FerricError(
        'bmc-failed',
        `The Redfish service of the BMC ${this.caller.target.address} has no system.`,
      );
    }
    throw new InvalidError(
      `The BMC ${this.caller.target.address} has ${paths.length} systems: driver_info redfish_system_id must name one of ${paths.slice(0, 20).join(', ')}`,
    );
  }

  /** The system's settings object, if it has one. */
  async pending(system: Resource): Promise<{ path: Uri; read: Read } | undefined> {
    const path = linkOf(partOf(system, '@Redfish.Settings'), 'SettingsObject');
    if (path === undefined) return undefined;
    try {
      return { path, read: await this.read(path) };
    } catch (error) {
      if (error instanceof RedfishError && error.status !== undefined && error.status < 500) return undefined;
      throw error;
    }
  }

  /** Managers of this system: those that it links, else the only one. */
  async managers(system: Resource): Promise<Resource[]> {
    const links = partOf(system, 'Links');
    if (linksOf(links, 'ManagedBy').length > 0) return this.linked(links, 'ManagedBy', MOST_LINKED);
    const all = await this.members((await this.root()).managers);
    return all.length === 1 ? all : [];
  }

  /** Chassis of this system: those that it links, else the only one. */
  async chassis(system: Resource): Promise<Resource[]> {
    const links = partOf(system, 'Links');
    if (linksOf(links, 'Chassis').length > 0) return this.linked(links, 'Chassis', MOST_LINKED);
    const all = await this.members((await this.root()).chassis);
    return all.length === 1 ? all : [];
  }

  /** The machine's identity, and its deviations from the specification. Read once. */
  async differences(system: Resource): Promise<{ identity: Identity; differences: Differences }> {
    if (this.known.differences) return this.known.differences;
    const [manager] = await this.managers(system);
    const identity = identityOf(await this.root(), system, manager);
    this.known.differences = { identity, differences: differencesOf(identity, QUIRKS) };
    return this.known.differences;
  }

  /** Boot and settings object of the System as they were last read, for a judgement without the BMC. */
  lastBoot(): { readonly system: Resource; readonly differences: Differences } | undefined {
    const { boot, differences } = this.known;
    return boot && { system: boot, differences: differences?.differences ?? {} };
  }

  /** Parameters of an action, if the service describes them. */
  async actionInfo(action: Action): Promise<ActionParameter[] | undefined> {
    const info = await this.find(action.info);
    return info && readActionInfo(info);
  }

  /** Allowed values of a parameter, inline or described; undefined if the service does not list them. */
  async allowable(action: Action, parameter: string): Promise<readonly string[] | undefined> {
    return (
      allowableOf(action, parameter, undefined) ??
      allowableOf(action, parameter, await this.actionInfo(action))
    );
  }

  /** An action or another POST. It never carries If-Match: iDRAC refuses that. */
  post(path: Uri, body: Json, repeat: Repeat = 'undone'): Promise<Answer> {
    return this.client.send(this.caller, { method: 'POST', path, body, repeat });
  }

  /** A POST whose body is no JSON. */
  upload(path: Uri, upload: Upload, repeat: Repeat = 'undone'): Promise<Answer> {
    return this.client.send(this.caller, { method: 'POST', path, upload, repeat });
  }

  remove(path: Uri, body?: Json): Promise<Answer> {
    return this.client.send(this.caller, {
      method: 'DELETE',
      path,
      ...(body === undefined ? {} : { body }),
      repeat: 'undone',
    });
  }

  /**
   * Changes a resource on condition that it is what was read. A failed precondition changes nothing, so the other
   * forms of the entity tag are tried; a resource that changed meanwhile is read again once.
   */
  async patch(path: Uri, body: JsonObject, etag?: string): Promise<Answer> {
    let tag = etag ?? (await this.read(path)).etag;
    let again = true;
    const tried = new Set<string>();
    let last: RedfishError | undefined;
    for (;;) {
      const form = ifMatchForms(tag).find((one) => !tried.has(String(one)));
      if (form === undefined && tried.has('undefined'))
        throw last ?? new Error('no form of an entity tag is left');
      tried.add(String(form));
      try {
        return await this.client.send(this.caller, {
          method: 'PATCH',
          path,
          body,
          ...(form === undefined ? {} : { headers: { 'if-match': form } }),
          repeat: 'undone',
        });
      } catch (error) {
        if (!(error instanceof RedfishError) || !isPrecondition(error)) throw error;
        last = error;
        if (again) {
          again = false;
          const fresh = (await this.read(path)).etag;
          if (fresh !== tag) {
            tag = fresh;
            tried.clear();
          }
        }
      }
    }
  }
}

/** Counts what is held together of a service. */
class Held {
  private size = 0;

  constructor(private readonly path: Uri) {}

  /** @throws RedfishError bmc-failed beyond `MOST_HELD` */
  add(read: Read): void {
    this.size += read.size;
    if (this.size <= MOST_HELD) return;
    const text = `the resources of the BMC are larger than ${MOST_HELD / 1024 / 1024} MiB together`;
    throw new RedfishError(
      { code: 'bmc-failed', outcome: 'refused', text },
      { method: 'GET', path: this.path },
    );
  }
}

/** The BMC wants another If-Match, or requires one (AMI reports that with 400). */
function isPrecondition(error: RedfishError): boolean {
  return (
    error.status === 412 ||
    error.status === 428 ||
    hasMessage(error.messages, 'PreconditionHeaderMissing', 'PreconditionFailed', 'PreconditionRequired')
  );
}
