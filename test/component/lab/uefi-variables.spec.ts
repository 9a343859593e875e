import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UefiSettings } from '../../../lab/machine/uefi-settings.js';
import {
  EFI_GLOBAL,
  readVariables,
  SECURE_BOOT_SWITCH,
  writeVariables,
} from '../../../lab/machine/uefi-variables.js';

const TEMPLATE = '/usr/share/OVMF/OVMF_VARS_4M.ms.fd';
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'uefi-vars-'));
  path = join(directory, 'vars.fd');
  copyFileSync(TEMPLATE, path);
});
afterEach(() => rmSync(directory, { recursive: true }));

const named = (name: string) => readVariables(path).filter((one) => one.name === name);

describe('the UEFI variables of a machine that is off', () => {
  it('are those of Debian’s OVMF, with keys enrolled', () => {
    expect(readVariables(path).map(({ name }) => name)).toEqual(expect.arrayContaining(['PK', 'KEK', 'db']));
    expect(named('PK')[0]!.guid).toBe(EFI_GLOBAL);
  });

  it('are replaced, and all others stay', () => {
    const before = readVariables(path);
    const one = { name: 'Lab', guid: EFI_GLOBAL, attributes: 7, data: Uint8Array.of(1, 2, 3) };
    writeVariables(path, [one]);
    writeVariables(path, [{ ...one, data: Uint8Array.of(4) }]);
    expect(readVariables(path)).toEqual([...before, { ...one, data: Uint8Array.of(4) }]);
    expect(statSync(path).size).toBe(statSync(TEMPLATE).size);
  });

  it('have room for so many, and a file that is no store has none', () => {
    const large = { name: 'Large', guid: EFI_GLOBAL, attributes: 7, data: new Uint8Array(200_000) };
    expect(() => writeVariables(path, [large, { ...large, name: 'Second' }])).toThrow(/no room/);
    writeFileSync(path, Buffer.alloc(4096));
    expect(() => readVariables(path)).toThrow(/not a firmware volume/);
  });

  it('are written before the start that they are for: Secure Boot, and the URL of HTTP boot', () => {
    const settings = new UefiSettings(path, true);
    expect(settings.changes(null)).toBe(false);
    settings.secureBoot!.want(false);
    expect([settings.changes(null), settings.secureBoot!.current]).toEqual([true, true]);
    const http = { device: 'http', efi: true, persistent: false, uri: 'http://192.0.2.1/a.iso' } as const;
    settings.apply(http);
    expect([settings.changes(null), settings.secureBoot!.current]).toEqual([false, false]);
    expect(named('SecureBootEnable')).toMatchObject([{ guid: SECURE_BOOT_SWITCH, data: Uint8Array.of(0) }]);
    expect(named('BootNext')[0]!.data).toEqual(Uint8Array.of(0xf0, 0));
    expect(Buffer.from(named('Boot00F0')[0]!.data).includes('http://192.0.2.1/a.iso')).toBe(true);
  });
});
