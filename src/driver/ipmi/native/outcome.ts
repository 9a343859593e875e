import { COMPLETION } from '../../../protocol/ipmi/command.js';
import type { Refusal } from '../../../protocol/ipmi/login.js';
import { FAULTS } from '../faults.js';
import type { IpmiFault } from '../link.js';

/** A failed attempt, as the link's IpmiError will tell it. */
export class NativeFault extends Error {
  constructor(readonly fault: IpmiFault) {
    super(fault.message);
  }
}

/** Before the command was sent. */
export function inSession(fault: IpmiFault): IpmiFault {
  return { ...fault, stage: 'session' };
}

/** Table 13-15's status codes, by the stage that they belong to. */
export function faultOfRefusal({ kind, status }: Refusal): NativeFault {
  switch (kind) {
    case 'no room':
      return new NativeFault(inSession(FAULTS.noRoom));
    case 'stale':
      return new NativeFault(inSession(FAULTS.late));
    case 'suite':
      return new NativeFault(inSession(FAULTS.noSuite));
    case 'role':
      return new NativeFault(inSession(FAULTS.noPrivilege));
    case 'user':
      return new NativeFault(inSession(FAULTS.unknownUser));
    case 'password':
      return new NativeFault(inSession(FAULTS.wrongPassword));
    case 'kg':
      return new NativeFault(inSession(FAULTS.wrongKg));
    default: {
      const message = `the BMC refused the session with status ${hex(status)}`;
      return new NativeFault(inSession({ code: 'bmc-failed', message }));
    }
  }
}

/** Table 5-2; the numbers that the house's other link knows by ipmitool's words. */
const BY_CODE: Readonly<Record<number, IpmiFault>> = {
  [COMPLETION.nodeBusy]: { ...FAULTS.busy, stage: 'refusal' },
  [COMPLETION.outOfSpace]: { ...FAULTS.busy, stage: 'refusal' },
  [COMPLETION.updating]: { ...FAULTS.busy, stage: 'refusal' },
  [COMPLETION.initializing]: { ...FAULTS.busy, stage: 'refusal' },
  // Possibly executed: the BMC itself has lost the answer.
  [COMPLETION.timeout]: FAULTS.busy,
  [COMPLETION.noResponse]: FAULTS.busy,
  [COMPLETION.invalidCommand]: { ...FAULTS.noCommand, stage: 'refusal' },
  [COMPLETION.invalidForLun]: { ...FAULTS.noCommand, stage: 'refusal' },
  [COMPLETION.disabled]: { ...FAULTS.noCommand, stage: 'refusal' },
  [COMPLETION.invalidField]: { ...FAULTS.noValue, stage: 'refusal' },
  [COMPLETION.outOfRange]: { ...FAULTS.noValue, stage: 'refusal' },
  [COMPLETION.parameterNotSupported]: { ...FAULTS.noValue, stage: 'refusal' },
  [COMPLETION.notInPresentState]: { ...FAULTS.notNow, stage: 'refusal' },
  [COMPLETION.insufficientPrivilege]: { ...FAULTS.notAllowed, stage: 'refusal' },
};

/** @returns undefined for success */
export function faultOfCode(code: number): IpmiFault | undefined {
  if (code === COMPLETION.ok) return undefined;
  return (
    BY_CODE[code] ?? {
      code: 'bmc-failed',
      message: `the BMC refused it with completion code ${hex(code)}`,
      stage: 'refusal',
    }
  );
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}
