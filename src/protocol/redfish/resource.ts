import { isObject, type Json, type JsonObject } from './json.js';

/** One resource of a Redfish service, as it was sent: any property may be missing, null, or of another type (DSP0266). */
export type Resource = JsonObject;

/** A path of the service, as a link names it: compared as it stands, since some services tell cases apart. */
export type Uri = string;

/** The property's text; undefined for null, "" and anything that is no text. */
export function textOf(resource: Resource | undefined, name: string): string | undefined {
  const value = resource?.[name];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** undefined for null and for what is no finite number; digits in a text count, since some services send them so. */
export function numberOf(resource: Resource | undefined, name: string): number | undefined {
  const value = resource?.[name];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,6})?$/.test(value) ? Number(value) : undefined;
}

export function booleanOf(resource: Resource | undefined, name: string): boolean | undefined {
  const value = resource?.[name];
  return typeof value === 'boolean' ? value : undefined;
}

/** The property where it is an object: undefined for null, lists and plain values. */
export function partOf(resource: Resource | undefined, name: string): Resource | undefined {
  const value = resource?.[name];
  return isObject(value) ? value : undefined;
}

/** The objects of a list; one object that stands without its list is one (some services leave the list out). */
export function partsOf(resource: Resource | undefined, name: string): Resource[] {
  const value = resource?.[name];
  if (isObject(value)) return [value];
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}

/** The texts of a list; others in it are left out. undefined where there is no list. */
export function textsOf(resource: Resource | undefined, name: string): string[] | undefined {
  const value = resource?.[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}

/** What a link of this name leads to. */
export function linkOf(resource: Resource | undefined, name: string): Uri | undefined {
  return idOf(resource?.[name]);
}

/** What a list of links leads to. */
export function linksOf(resource: Resource | undefined, name: string): Uri[] {
  return partsOf(resource, name).flatMap((link) => idOf(link) ?? []);
}

/** `@odata.id` of a link or a resource; only paths of the same service count. */
export function idOf(value: Json | undefined): Uri | undefined {
  if (!isObject(value)) return undefined;
  return pathOf(value['@odata.id']);
}

/**
 * A path below the service's origin. A link that names another origin, or leads out of it by `//` or a backslash, is none:
 * a service must not send its client, with its login, to somewhere else.
 */
export function pathOf(value: Json | undefined): Uri | undefined {
  if (typeof value !== 'string' || value.length > 2_000) return undefined;
  return /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(value) ? value : undefined;
}

/** A bare link has nothing but its id: services answer an expanded collection with those where they did not expand. */
export function isBareLink(resource: Resource): boolean {
  return Object.keys(resource).every((name) => name === '@odata.id');
}

/** Members of a collection, and where it goes on (DSP0266 §7.6.7 and §13.6). */
export function readCollection(resource: Resource): { members: Resource[]; next: Uri | undefined } {
  return {
    members: partsOf(resource, 'Members'),
    // Services before 1.0 wrote it without the name of the list.
    next: pathOf(resource['Members@odata.nextLink'] ?? resource['@odata.nextLink']),
  };
}

/** Health of Status: what Ironic's node.health holds. @returns undefined where the service does not know */
export function healthOf(resource: Resource | undefined): 'OK' | 'Warning' | 'Critical' | undefined {
  const status = partOf(resource, 'Status');
  const said = textOf(status, 'Health') ?? textOf(status, 'HealthRollup');
  return (['OK', 'Warning', 'Critical'] as const).find(
    (health) => health.toLowerCase() === said?.toLowerCase(),
  );
}
