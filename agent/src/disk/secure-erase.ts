import { blockDeviceErase, messageOf } from '../error.js';
import { runProgram } from '../run-program.js';

/** A day: the disk determines how long a secure erase takes. */
const LONG = 24 * 3_600_000;

/**
 * NVMe format with a crypto erase where the controller has it, else with a user-data erase.
 * @throws AgentError BlockDeviceEraseError when the controller offers neither, or fails
 */
export async function nvmeFormat(device: string): Promise<void> {
  let mode: 1 | 2;
  try {
    const { stdout } = await runProgram('nvme', ['id-ctrl', device, '-o', 'json']);
    mode = nvmeEraseMode(JSON.parse(stdout) as { oacs?: number; fna?: number }, device);
  } catch (error) {
    throw blockDeviceErase(`Failed to fetch NVMe capabilities for device ${device}: ${messageOf(error)}`);
  }
  try {
    await runProgram('nvme', ['format', device, '-s', String(mode), '-f'], { timeout: LONG });
  } catch (error) {
    throw blockDeviceErase(`Failed to nvme format device ${device}: ${messageOf(error)}`);
  }
}

/** NVM Express base specification, Identify Controller: OACS bit 1 = Format NVM, FNA bit 2 = crypto erase. */
export function nvmeEraseMode(controller: { oacs?: number; fna?: number }, device: string): 1 | 2 {
  if (((controller.oacs ?? 0) & 2) === 0)
    throw new Error(`nvme-cli did not return any supported format modes for device: ${device}`);
  return ((controller.fna ?? 0) & 4) === 0 ? 1 : 2;
}

/** The "Security:" section of `hdparm -I`. */
export interface AtaSecurity {
  supported: boolean;
  enabled: boolean;
  locked: boolean;
  frozen: boolean;
  enhancedErase: boolean;
}

/** @returns undefined when the disk has no security feature set, or is not an ATA disk */
export function parseAtaSecurity(identify: string): AtaSecurity | undefined {
  const at = identify.search(/^Security: *$/m);
  if (at === -1) return undefined;
  const lines = identify.slice(at).split('\n').slice(1);
  const end = lines.findIndex((line) => !line.startsWith('\t'));
  // "\tnot\tlocked" and "\t\tlocked": the preceding word decides.
  const facts = lines.slice(0, end === -1 ? undefined : end).map((line) => line.trim().replace(/\s+/g, ' '));
  return {
    supported: facts.includes('supported'),
    enabled: facts.includes('enabled'),
    locked: facts.includes('locked'),
    frozen: facts.includes('frozen'),
    enhancedErase: facts.includes('supported: enhanced erase'),
  };
}

/**
 * Minutes for an erase, by the disk's estimate: "2min for SECURITY ERASE UNIT. 8min for ENHANCED SECURITY ERASE UNIT."
 * @returns undefined without an estimate, or for "more than 508min"
 */
export function eraseMinutes(identify: string, enhanced: boolean): number | undefined {
  const name = enhanced ? 'ENHANCED SECURITY ERASE UNIT' : 'SECURITY ERASE UNIT';
  const found = new RegExp(`(?:^\\s*|\\.\\s+)(\\d+)min for ${name}`, 'm').exec(identify)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Whether the disk estimates an erase of at most this many minutes. */
export async function erasesWithin(device: string, minutes: number): Promise<boolean> {
  const text = await identifyAta(device);
  const state = text === undefined ? undefined : parseAtaSecurity(text);
  if (text === undefined || !state?.supported || state.frozen) return false;
  return (eraseMinutes(text, state.enhancedErase) ?? Number.POSITIVE_INFINITY) <= minutes;
}

/**
 * ATA SECURITY ERASE UNIT (ACS-3 §7.41), in the sequence of upstream's hardware.py.
 * @returns false when the disk does not support it
 * @throws AgentError BlockDeviceEraseError when the disk supports it and it fails
 */
export async function ataSecureErase(device: string): Promise<boolean> {
  let state = await ataSecurity(device);
  if (!state?.supported) return false;
  if (state.frozen) throw blockDeviceErase(`Block device ${device} is frozen and cannot be erased`);
  state = await unlock(device, state);
  if (state.locked) throw blockDeviceErase(`Block device ${device} already has a security password set`);
  if (!state.enabled) {
    await hdparm(device, ['--security-set-pass', 'NULL']).catch((error: unknown) => {
      throw blockDeviceErase(`Security password set failed for device ${device}: ${messageOf(error)}`);
    });
  }
  try {
    await hdparm(device, [state.enhancedErase ? '--security-erase-enhanced' : '--security-erase', 'NULL']);
  } catch (error) {
    // A disk left locked could not even be overwritten.
    const after = await ataSecurity(device);
    if (after) await unlock(device, after);
    throw blockDeviceErase(`Erase failed for device ${device}: ${messageOf(error)}`);
  }
  if ((await ataSecurity(device))?.enabled) {
    throw blockDeviceErase(`An unknown error occurred erasing block device ${device}`);
  }
  return true;
}

/** An interrupted erase leaves its password set: NULL, or empty with an old hdparm. */
async function unlock(device: string, state: AtaSecurity): Promise<AtaSecurity> {
  let now = state;
  for (const password of ['NULL', '']) {
    if (!now.locked) break;
    await hdparm(device, ['--security-unlock', password]).catch(() => undefined); // the state below decides
    now = (await ataSecurity(device)) ?? now;
  }
  return now;
}

async function ataSecurity(device: string): Promise<AtaSecurity | undefined> {
  const text = await identifyAta(device);
  return text === undefined ? undefined : parseAtaSecurity(text);
}

/** @returns undefined when it is not an ATA disk */
async function identifyAta(device: string): Promise<string | undefined> {
  const { exitCode, stdout } = await runProgram('hdparm', ['-I', device], {
    accept: Array.from({ length: 256 }, (_, code) => code),
  });
  return exitCode === 0 ? stdout : undefined;
}

async function hdparm(device: string, action: readonly string[]): Promise<void> {
  await runProgram('hdparm', ['--user-master', 'u', ...action, device], { timeout: LONG });
}
