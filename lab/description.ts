import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.js';

/** A running lab as plain values, for other programs than its creator. */
export interface LabDescription {
  directory: string;
  namespace: string;
  /** Address of the bridge, where the daemon serves DHCP, TFTP and HTTP. */
  address: string;
  machines: {
    name: string;
    uuid: string;
    macs: readonly string[];
    console: string;
    disks: readonly string[];
    bmc: { address: string; port: number; username: string; password: string };
    /** Redfish service, with the same login. */
    redfish?: { url: string; certificate: string };
  }[];
}

export function describeLab(lab: Lab): LabDescription {
  return {
    directory: lab.directory,
    namespace: lab.network.namespace,
    address: lab.network.address,
    machines: lab.machines.map(({ name, machine, address, users, redfish }) => ({
      name,
      uuid: machine.uuid,
      macs: machine.macs,
      console: machine.console.logPath,
      disks: machine.diskPaths,
      bmc: {
        address: address.host,
        port: address.port,
        username: users[0]!.name,
        password: users[0]!.password,
      },
      ...(redfish ? { redfish: { url: redfish.url, certificate: redfish.certificate } } : {}),
    })),
  };
}

/** Readable by its owner only: it contains the BMCs' passwords. @returns its path */
export function writeDescription(lab: Lab): string {
  const path = join(lab.directory, 'lab.json');
  writeFileSync(path, `${JSON.stringify(describeLab(lab), null, 2)}\n`, { mode: 0o600 });
  return path;
}

/** @throws Error when there is no description */
export function readDescription(directory: string): LabDescription {
  return JSON.parse(readFileSync(join(directory, 'lab.json'), 'utf8')) as LabDescription;
}
