import type { BootSelection } from '../bmc/boot-register.js';
import type { SecureBootSwitch } from '../bmc/redfish/machine.js';
import {
  BOOT_SERVICE,
  EFI_GLOBAL,
  NON_VOLATILE,
  RUNTIME,
  SECURE_BOOT_SWITCH,
  type UefiVariable,
  writeVariables,
} from './uefi-variables.js';

/** Number of the lab's own boot option, beside those that the firmware makes. */
const HTTP_OPTION = 0x00f0;
const ACTIVE = 1;

/** Changes that a BMC makes to a machine's UEFI variables before the firmware reads them. */
export class UefiSettings {
  readonly secureBoot: SecureBootSwitch | undefined;
  #current: boolean;
  #wanted: boolean;

  /** @param secure whether keys are enrolled and Secure Boot is on */
  constructor(
    private readonly path: string,
    secure: boolean,
  ) {
    this.#current = secure;
    this.#wanted = secure;
    if (!secure) return;
    const self = this;
    this.secureBoot = {
      get current() {
        return self.#current;
      },
      get wanted() {
        return self.#wanted;
      },
      want: (on) => {
        this.#wanted = on;
      },
    };
  }

  /** Whether the next start needs changed variables, or other network clients. */
  changes(selection: BootSelection | null): boolean {
    return this.#current !== this.#wanted || selection?.device === 'http';
  }

  /** Writes the changes; only while the firmware does not run. */
  apply(selection: BootSelection | null): void {
    const variables: UefiVariable[] = [];
    if (this.#current !== this.#wanted) {
      variables.push({
        name: 'SecureBootEnable',
        guid: SECURE_BOOT_SWITCH,
        attributes: NON_VOLATILE | BOOT_SERVICE,
        data: Uint8Array.of(this.#wanted ? 1 : 0),
      });
    }
    const uri = uriOf(selection);
    if (uri !== undefined) variables.push(...httpBoot(uri));
    if (variables.length > 0) writeVariables(this.path, variables);
    this.#current = this.#wanted;
  }
}

function uriOf(selection: BootSelection | null): string | undefined {
  return selection?.device === 'http' ? selection.uri : undefined;
}

/** UEFI 2.10 §3.1.3 and §10.3.4.23: a load option with a URI, for the next start only. */
function httpBoot(uri: string): UefiVariable[] {
  const text = Buffer.from(uri, 'latin1');
  const node = Buffer.concat([Buffer.from([3, 24, 0, 0]), text, Buffer.from([0x7f, 0xff, 4, 0])]);
  node.writeUInt16LE(4 + text.length, 2);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(ACTIVE, 0);
  head.writeUInt16LE(node.length, 4);
  const option = Buffer.concat([head, Buffer.from('Redfish HttpBootUri\0', 'utf16le'), node]);
  const next = Buffer.alloc(2);
  next.writeUInt16LE(HTTP_OPTION);
  const attributes = NON_VOLATILE | BOOT_SERVICE | RUNTIME;
  return [
    { name: 'Boot00F0', guid: EFI_GLOBAL, attributes, data: option },
    { name: 'BootNext', guid: EFI_GLOBAL, attributes, data: next },
  ];
}
