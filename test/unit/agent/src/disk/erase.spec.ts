import { describe, expect, it } from 'vitest';
import { eraseWishes } from '../../../../../agent/src/disk/erase.js';

const wishes = (info: Record<string, unknown>) => eraseWishes((key) => info[key]);

describe('eraseWishes', () => {
  it('has the defaults of upstream', () => {
    expect(wishes({})).toEqual({
      nvmeSecureErase: true,
      ataSecureErase: true,
      continueIfSecureEraseFailed: false,
      iterations: 1,
      zeroize: true,
      skipReadOnly: false,
    });
  });

  it('takes the older name of the fallback, the newer one first', () => {
    expect(wishes({ agent_continue_if_ata_erase_failed: true }).continueIfSecureEraseFailed).toBe(true);
    expect(
      wishes({ agent_continue_if_ata_erase_failed: true, agent_continue_if_secure_erase_failed: false })
        .continueIfSecureEraseFailed,
    ).toBe(false);
  });

  it('reads the number of passes, and does not take nonsense for none', () => {
    expect(wishes({ agent_erase_devices_iterations: 0 }).iterations).toBe(0);
    expect(wishes({ agent_erase_devices_iterations: '3' }).iterations).toBe(3);
    for (const value of [-1, 1.5, 'many', {}])
      expect(wishes({ agent_erase_devices_iterations: value }).iterations).toBe(1);
  });
});
