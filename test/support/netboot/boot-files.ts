import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { pxeSection } from '../../../src/config/section/pxe.js';
import { InvalidError } from '../../../src/domain/errors.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { type Flavour, ipxeFlavour } from '../../../src/driver/pxe/flavour.js';
import { NetworkBoot, type NetworkBootParts } from '../../../src/driver/pxe/network-boot.js';
import type { BootPlan } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import { DriverBench, NODE_UUID } from '../driver-context.js';
import { PublishedInMemory } from '../published.js';

export const MAC = '52:54:00:AA:BB:CC';
export const IPXE = ipxeFlavour(() => 'http://10.77.0.1:8080', 0);
export let root: string;
export let plans: Map<string, BootPlan>;
export let published: PublishedInMemory;
export let properties: Record<string, { kernel_id?: string; ramdisk_id?: string; boot_iso_id?: string }>;
export let fetched: { ref: string; target: string }[];

/** A boot root of its own for each test of the file. */
export function useBootFiles(): void {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'boot-root-'));
    plans = new Map();
    published = new PublishedInMemory();
    fetched = [];
    properties = {};
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
}

/** The folder of one boot: its name is 160 random bits. */
export const folderOf = (text: string) =>
  new RegExp(`${NODE_UUID}/([0-9a-f]{40})/(?:deploy_)?(?:kernel|ramdisk|boot_iso)`).exec(text)?.[1] ?? 'none';
export const servedNames = () => published.files(NODE_UUID, 'boot').map((file) => file.name);
export const servedFolder = () => `${NODE_UUID}/${folderOf(servedNames().join('\n'))}`;

export const build = (
  flavour: Flavour = IPXE,
  settings = {},
  alsoUefi: Flavour[] = [],
  name: NetworkBootParts['name'] = flavour.name,
) =>
  new NetworkBoot({
    name,
    flavour,
    alsoUefi,
    root,
    plans: {
      put: async (plan) => void plans.set(plan.node_uuid, plan),
      remove: async (uuid) => void plans.delete(uuid),
    },
    published,
    host: 'conductor-1',
    images: {
      validateReference: (ref, field) => {
        if (!/^(https?|file):|^[0-9a-f-]{36}$/.test(String(ref)))
          throw new InvalidError(`${field} is no image`);
      },
      resolve: async (ref) => properties[ref] ?? {},
      fetchTo: async (ref, target, options) => {
        expect(options.opaque).toBe(true);
        fetched.push({ ref, target });
        await mkdir(dirname(target), { recursive: true });
        writeFileSync(target, ref);
      },
    },
    settings: pxeSection.parse(settings),
    defaultBootMode: 'uefi',
    defaults: {
      deploy_kernel: null,
      deploy_ramdisk: 'http://images/default.ramdisk',
      rescue_kernel: null,
      rescue_ramdisk: null,
    },
  });

export const bench = (driver_info: JsonObject = {}, fields = {}) => {
  const made = new DriverBench({
    driver_info: { deploy_kernel: 'http://images/kernel', ...driver_info },
    ...fields,
  });
  made.ports = [
    { uuid: 'p1', address: MAC, pxe_enabled: true, extra: {} },
    { uuid: 'p2', address: '52:54:00:00:00:02', pxe_enabled: false, extra: {} },
  ];
  return made;
};
export const files = (directory = root, prefix = ''): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? files(join(directory, entry.name), `${prefix}${entry.name}/`)
      : [`${prefix}${entry.name}`],
  );
