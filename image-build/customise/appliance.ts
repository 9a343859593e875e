import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';

/**
 * What libguestfs has to be told: no libvirt, and no KVM where the processor has none. A /dev/kvm that can be opened
 * proves nothing: without vmx or svm, QEMU then hangs or aborts.
 */
export function applianceEnvironment(): Record<string, string> {
  return {
    LIBGUESTFS_BACKEND: 'direct',
    ...(hasVirtualisation() ? {} : { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }),
    // The appliance is kept between runs; TMPDIR is a build's own and goes with it.
    LIBGUESTFS_CACHEDIR: '/var/tmp',
  };
}

/** libguestfs makes its appliance of a kernel of this machine. */
export function missingKernel(): string[] {
  const hasKernel = readdirSync('/boot').some((name) => name.startsWith('vmlinuz'));
  return hasKernel ? [] : ['a kernel in /boot for the appliance (package linux-image-cloud-amd64)'];
}

function hasVirtualisation(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false; // not there, or not for us
  }
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}
