import { allowableValues } from './action.js';
import type { Differences } from './quirk.js';
import { partOf, type Resource, textOf } from './resource.js';
import { type Settings, settingsOf } from './settings.js';

/** Redfish's targets of Ironic's boot devices (redfish/management.py, BOOT_DEVICE_MAP); the first allowed one wins. */
const TARGETS = {
  pxe: ['Pxe'],
  disk: ['Hdd'],
  cdrom: ['Cd'],
  bios: ['BiosSetup'],
  uefihttp: ['UefiHttp'],
} as const satisfies Record<string, readonly string[]>;
export type OverrideDevice = keyof typeof TARGETS;
export type BootMode = 'bios' | 'uefi';
export const OVERRIDE_DEVICES = Object.keys(TARGETS) as OverrideDevice[];

type Enabled = 'Once' | 'Continuous' | 'Disabled';

/** The property Boot of a ComputerSystem. */
export interface BootState {
  readonly device: OverrideDevice | null;
  /** null: the service does not report it. */
  readonly persistent: boolean | null;
  readonly mode: BootMode | undefined;
  readonly target: string | undefined;
  readonly enabled: string | undefined;
  readonly httpBootUri: string | undefined;
}

export function readBoot(system: Resource): BootState {
  const boot = partOf(system, 'Boot');
  const target = textOf(boot, 'BootSourceOverrideTarget');
  const enabled = textOf(boot, 'BootSourceOverrideEnabled');
  const mode = textOf(boot, 'BootSourceOverrideMode');
  const uri = textOf(boot, 'HttpBootUri');
  const off = enabled === 'Disabled' || target === undefined || target === 'None';
  return {
    device: off ? null : deviceOf(target),
    persistent: enabled === 'Continuous' ? true : enabled === 'Once' ? false : null,
    mode: mode === 'UEFI' ? 'uefi' : mode === 'Legacy' ? 'bios' : undefined,
    target,
    enabled,
    // BlueField returns "", sushy-tools the text "None".
    httpBootUri: uri === 'None' || uri === '' ? undefined : uri,
  };
}

function deviceOf(target: string): OverrideDevice | null {
  if (/^(UsbCd|RemoteDrive)$/.test(target)) return 'cdrom';
  return OVERRIDE_DEVICES.find((device) => (TARGETS[device] as readonly string[]).includes(target)) ?? null;
}

/** The wanted override. `httpBootUri` null: DHCP gives the URL. */
export interface OverrideWish {
  readonly device: OverrideDevice;
  readonly persistent: boolean;
  /** Sent only if it is given and differs, or if the machine needs the whole payload each time. */
  readonly mode?: BootMode;
  readonly httpBootUri?: string | null;
}

/** A PATCH, and where it is sent. */
export interface OverridePlan {
  /** true: to the object of `@Redfish.Settings`, which has all of its properties; false: to the System. */
  readonly onSettings: boolean;
  readonly boot: Resource;
  /** The target of `boot`, to be compared with what is read back. */
  readonly target: string;
  readonly enabled: Enabled;
}

/** The targets that a service allows; undefined if it does not list them: then any is tried. */
export function allowedTargets(
  system: Resource,
  pending: Resource | undefined,
): readonly string[] | undefined {
  return (
    allowableValues(partOf(system, 'Boot'), 'BootSourceOverrideTarget') ??
    allowableValues(partOf(pending, 'Boot'), 'BootSourceOverrideTarget')
  );
}

/** Devices that the service accepts; all if it does not list them. */
export function allowedDevices(
  system: Resource,
  pending: Resource | undefined,
  differences: Differences,
): OverrideDevice[] {
  const allowed = allowedTargets(system, pending);
  return OVERRIDE_DEVICES.filter(
    (device) => !allowed || targetsFor(device, differences).some((target) => allowed.includes(target)),
  );
}

/**
 * Plans the requests for the wanted override.
 * @param pending the System's settings object, if it has one
 * @returns undefined if the service allows no target for the device
 */
export function planOverride(
  wish: OverrideWish,
  system: Resource,
  pending: Resource | undefined,
  differences: Differences,
): OverridePlan | undefined {
  const allowed = allowedTargets(system, pending);
  const names = targetsFor(wish.device, differences);
  const target = allowed ? names.find((name) => allowed.includes(name)) : names[0];
  if (target === undefined) return undefined;
  const now = readBoot(system);
  const continuous = persistentAllowed(system, pending);
  const enabled: Enabled = wish.persistent && continuous ? 'Continuous' : 'Once';
  const whole = differences.bootPayload === 'whole';
  const boot: Resource = { BootSourceOverrideTarget: target };
  if (whole || differences.alwaysSayEnabled || enabled !== now.enabled)
    boot['BootSourceOverrideEnabled'] = enabled;
  const mode = modeToSay(wish.mode, now.mode, whole, differences);
  if (mode !== undefined) boot['BootSourceOverrideMode'] = mode;
  if (wish.device === 'uefihttp') {
    const { httpBootUri: uri } = wish;
    // A service without the property has nothing to clear, and may refuse its name.
    const clears = uri === null && showsHttpBootUri(system, pending);
    if (typeof uri === 'string' || clears) boot['HttpBootUri'] = uri;
  } else if (now.httpBootUri !== undefined) boot['HttpBootUri'] = null;
  return { onSettings: takesBoot(settingsOf(system), pending, boot), boot, target, enabled };
}

/** Whether the service has the property, with or without a URL. */
export function showsHttpBootUri(system: Resource, pending: Resource | undefined): boolean {
  return [system, pending].some((one) => 'HttpBootUri' in (partOf(one, 'Boot') ?? {}));
}

/**
 * Why the machine cannot be told the URL of its UEFI HTTP boot (DSP0268: ComputerSystem.Boot.HttpBootUri).
 * @param pending the System's settings object; null: it was not read, and the System decides where it has none
 * @returns undefined: nothing speaks against it
 */
export function httpBootFault(
  system: Resource,
  pending: Resource | undefined | null,
  differences: Differences,
): string | undefined {
  if (differences.noHttpBootUri) return 'its firmware takes the URL by BIOS attributes only';
  if (pending === null && settingsOf(system)) return undefined;
  const shown = pending ?? undefined;
  if (!showsHttpBootUri(system, shown)) return 'its BMC shows no HttpBootUri';
  const allowed = allowedTargets(system, shown);
  if (!allowed || allowed.includes('UefiHttp')) return undefined;
  return `its BMC allows no boot from UefiHttp, but ${allowed.filter((one) => one !== 'None').join(', ') || 'nothing'}`;
}

/**
 * A PATCH that takes the URL of HTTP boot away; with it goes an override that would boot from it.
 * @returns undefined if there is no URL
 */
export function planNoHttpBoot(system: Resource, differences: Differences): Resource | undefined {
  const { device, httpBootUri } = readBoot(system);
  if (httpBootUri === undefined) return undefined;
  return {
    ...(device === 'uefihttp' ? planNoOverride(system, differences) : {}),
    HttpBootUri: null,
  };
}

/** Names of a device on this machine, the preferred one first. */
function targetsFor(device: OverrideDevice, differences: Differences): readonly string[] {
  if (device !== 'cdrom') return TARGETS[device];
  return [...new Set([...(differences.cdTargets ?? []), ...TARGETS.cdrom, 'UsbCd'])];
}

/** Lenovo allows only Once and Disabled: a persistent device is then sent again before each start. */
export function persistentAllowed(system: Resource, pending: Resource | undefined): boolean {
  const allowed =
    allowableValues(partOf(system, 'Boot'), 'BootSourceOverrideEnabled') ??
    allowableValues(partOf(pending, 'Boot'), 'BootSourceOverrideEnabled');
  return !allowed || allowed.includes('Continuous');
}

function modeToSay(
  wished: BootMode | undefined,
  now: BootMode | undefined,
  whole: boolean,
  { modeReadOnly }: Differences,
): string | undefined {
  if (modeReadOnly) return undefined;
  // Sending an unchanged mode queues a job and two reboots on an iDRAC9.
  if (!whole && (wished === undefined || wished === now || now === undefined)) return undefined;
  return (wished ?? now) === 'bios' ? 'Legacy' : 'UEFI';
}

/** Lenovo's SE450 has a settings object whose Boot is read-only: it is used only for the properties that it has. */
function takesBoot(settings: Settings | undefined, pending: Resource | undefined, boot: Resource): boolean {
  const there = partOf(pending, 'Boot');
  return settings !== undefined && there !== undefined && Object.keys(boot).every((name) => name in there);
}

/** A PATCH that ends an override. HPE refuses it without a valid target. */
export function planNoOverride(system: Resource, differences: Differences): Resource {
  const { target } = readBoot(system);
  const kept =
    differences.keepTargetWhenDisabling && target !== undefined && target !== 'None' ? target : undefined;
  return {
    BootSourceOverrideEnabled: 'Disabled',
    ...(kept === undefined ? {} : { BootSourceOverrideTarget: kept }),
  };
}

/** Whether the override, read back, is the planned one: some services answer 200 and do something else. */
export function isOverridden(boot: BootState, plan: OverridePlan): boolean {
  if (boot.target !== plan.target) return false;
  const { HttpBootUri: uri } = plan.boot;
  if (typeof uri === 'string' && boot.httpBootUri !== uri) return false;
  // sushy-tools' emulator always reports Continuous, and boots once nevertheless.
  return boot.enabled !== 'Disabled';
}
