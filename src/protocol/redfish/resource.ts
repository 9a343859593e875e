import { isObject, type Json, type JsonObject } from '../json.js';

/** One resource of a Redfish service, as received: any property may be missing, null, or of another type (DSP0266). */
export type Resource = JsonObject;

/** A path of the service, as in a link: compared unchanged, since some services distinguish case. */
export type Uri = string;

/** The property's text; undefined for null, "" and other types. */
export function textOf(resource: Resource | undefined, name: string): string | undefined {
  const value = resource?.[name];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** undefined for null and anything but a finite number; digits in a text count, since some services send them. */
export function numberOf(resource: Resource | undefined, name: string): number | undefined {
  const value = resource?.[name];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,6})?$/.test(value) ? Number(value) : undefined;
}

export function booleanOf(resource: Resource | undefined, name: string): boolean | undefined {
  const value = resource?.[name];
  return typeof value === 'boolean' ? value : undefined;
}

/** The property if it is an object; undefined for null, lists and plain values. */
export function partOf(resource: Resource | undefined, name: string): Resource | undefined {
  const value = resource?.[name];
  return isObject(value) ? value : undefined;
}

/** The objects of a list; a single object counts as a list of one (some services omit the list). */
export function partsOf(resource: Resource | undefined, name: string): Resource[] {
  const value = resource?.[name];
  if (isObject(value)) return [value];
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}

/** The texts of a list without its other items; undefined if there is no list. */
export function textsOf(resource: Resource | undefined, name: string): string[] | undefined {
  const value = resource?.[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}

/** The target of a link. */
export function linkOf(resource: Resource | undefined, name: string): Uri | undefined {
  return idOf(resource?.[name]);
}

/** The targets of a list of links. */
export function linksOf(resource: Resource | undefined, name: string): Uri[] {
  return partsOf(resource, name).flatMap((link) => idOf(link) ?? []);
}

/** `@odata.id` of a link or a resource; only paths of the same service count. */
export function idOf(value: Json | undefined): Uri | undefined {
  if (!isObject(value)) return undefined;
  return pathOf(value['@odata.id']);
}

/**
 * A path below the service's origin. A link to another origin, also by `//` or a backslash, gives undefined: a service
 * must not redirect its client, with the login, to another host.
 */
export function pathOf(value: Json | undefined): Uri | undefined {
  if (typeof value !== 'string' || value.length > 2_000) return undefined;
  return /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(value) ? value : undefined;
}

/** Whether it has only an id: services return such members for an expanded collection that they did not expand. */
export function isBareLink(resource: Resource): boolean {
  return Object.keys(resource).every((name) => name === '@odata.id');
}

/** Members of a collection, and the link to its next page (DSP0266 §7.6.7 and §13.6). */
export function readCollection(resource: Resource): { members: Resource[]; next: Uri | undefined } {
  return {
    members: partsOf(resource, 'Members'),
    // Services before 1.0 wrote the link without the name of the list.
    next: pathOf(resource['Members@odata.nextLink'] ?? resource['@odata.nextLink']),
  };
}

/** Health of Status, for Ironic's node.health. @returns undefined if the service reports none */
export function healthOf(resource: Resource | undefined): 'OK' | 'Warning' | 'Critical' | undefined {
  const status = partOf(resource, 'Status');
  const said = textOf(status, 'Health') ?? textOf(status, 'HealthRollup');
  return (['OK', 'Warning', 'Critical'] as const).find(
    (health) => health.toLowerCase() === said?.toLowerCase(),
  );
}
