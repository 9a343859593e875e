import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';

/**
 * Environment of libguestfs: no libvirt, and no KVM unless the processor supports it. A /dev/kvm that can be opened is
 * no proof: without vmx or svm, QEMU hangs or aborts on it.
 */
export function applianceEnvironment(): Record<string, string> {
  return {
    LIBGUESTFS_BACKEND: 'direct',
    ...(hasVirtualisation() ? {} : { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }),
    // The appliance is kept between runs; TMPDIR belongs to one build and is deleted with it.
    LIBGUESTFS_CACHEDIR: '/var/tmp',
  };
}

/** Kernels missing for the appliance, which libguestfs makes from a kernel of this machine. */
export function missingKernel(): string[] {
  const hasKernel = readdirSync('/boot').some((name) => name.startsWith('vmlinuz'));
  return hasKernel ? [] : ['a kernel in /boot for the appliance (package linux-image-cloud-amd64)'];
}

function hasVirtualisation(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false; // absent, or not permitted
  }
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}
