import { type ExtendedMessage, readMessage } from './error-body.js';
import { linkOf, partOf, partsOf, type Resource, textOf, textsOf, type Uri } from './resource.js';

export type ApplyTime = 'Immediate' | 'OnReset';

/** The object that takes a resource's changes, and when they take effect (DSP0266 §9.10). */
export interface Settings {
  /** The path unchanged: HPE's differs from the resource's in case, and only this one works. */
  readonly object: Uri;
  readonly applyTimes: readonly string[];
  /** When the last change was applied, and the messages about it. */
  readonly time: string | undefined;
  readonly messages: readonly ExtendedMessage[];
}

/** @returns undefined for a resource that takes changes itself */
export function settingsOf(resource: Resource | undefined): Settings | undefined {
  const settings = partOf(resource, '@Redfish.Settings');
  const object = linkOf(settings, 'SettingsObject');
  if (!settings || object === undefined) return undefined;
  return {
    object,
    applyTimes: textsOf(settings, 'SupportedApplyTimes') ?? [],
    time: textOf(settings, 'Time'),
    messages: partsOf(settings, 'Messages')
      .map(readMessage)
      .filter((message) => message !== undefined),
  };
}

/** Annotation for a PATCH of a settings object; empty if the service offers no choice. */
export function applyTimeAnnotation(settings: Settings | undefined, wanted: ApplyTime): Resource {
  return settings?.applyTimes.includes(wanted) ? { '@Redfish.SettingsApplyTime': { ApplyTime: wanted } } : {};
}

/**
 * Apply time for a POST or DELETE (DSP0266 §9.11), only if the collection supports it: iDRAC refuses a DELETE of a
 * volume with it.
 */
export function operationApplyTime(
  resource: Resource | undefined,
  preferred: readonly ApplyTime[],
): ApplyTime | undefined {
  const support = partOf(resource, '@Redfish.OperationApplyTimeSupport');
  const offered = textsOf(support, 'SupportedValues') ?? [];
  return preferred.find((time) => offered.includes(time));
}
