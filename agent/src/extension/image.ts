import { isObject } from '../../../src/protocol/json.js';
import type { AgentLog } from '../agent-log.js';
import type { Extension } from '../command-board.js';
import { installUefiEntry } from '../disk/boot-entry.js';
import { invalidImage, messageOf } from '../error.js';
import { installGrub } from '../grub/install-grub.js';
import type { Machine } from '../machine/machine.js';
import type { NodeCache } from '../node-cache.js';
import { startFromArray } from '../raid/boot-arrays.js';
import { runProgram } from '../run-program.js';

export interface ImageExtensionTools {
  machine: Machine;
  node: NodeCache;
  log: AgentLog;
  ignoreBootloaderFailure: boolean;
  /** The conductor's setting enable_bios_bootloader_install. */
  mayInstall: () => boolean;
  /** The conductor's setting for an agent that isolates the image's programs, as this one does. */
  containedInstall: () => boolean;
}

/** The root UUID of whole-disk images: the identifier of an MBR, such as 0x00000000. */
const DISK_IDENTIFIER = /^0x[0-9a-f]{8}$/i;

export function imageExtension(tools: ImageExtensionTools): Extension {
  return {
    install_bootloader: {
      kind: 'async',
      run: async (params) => {
        const ignored = params['ignore_bootloader_failure'];
        const ignore = typeof ignored === 'boolean' ? ignored : tools.ignoreBootloaderFailure;
        const device = tools.node.rootDevice();
        const mode = tools.machine.bootMode();
        const target = params['target_boot_mode'];
        if (isObject(params) && typeof target === 'string' && target !== mode) {
          tools.log.say(
            `boot mode mismatch: the node is meant to boot by ${target}, it runs in ${mode} mode`,
          );
        }
        const rootUuid = text(params['root_uuid']);
        const partitionImage = rootUuid !== undefined && !DISK_IDENTIFIER.test(rootUuid);
        if (mode === 'bios' && !partitionImage) {
          // A whole-disk image includes its boot code: the firmware needs nothing else.
          tools.log.say('BIOS: the image has its own boot loader, nothing to install');
          return null;
        }
        try {
          const array = tools.node.arrayOf(device);
          if (array) await startFromArray(array, tools.node, { run: runProgram, log: tools.log });
          else if (!partitionImage) await installUefiEntry(device.name, tools.log);
          else {
            if (!tools.mayInstall() && !tools.containedInstall()) throw invalidImage(DISABLED);
            const espUuid = text(params['efi_system_part_uuid']);
            await installGrub(
              {
                device: device.name,
                rootUuid,
                espUuid,
                mode: espUuid === undefined ? 'bios' : 'uefi',
                firmware: mode,
              },
              tools.log,
            );
          }
        } catch (error) {
          tools.log.say(`setting up the boot loader failed: ${messageOf(error)}`);
          if (!ignore) throw error;
        }
        return null;
      },
    },
  };
}

const DISABLED =
  'This image needs its boot loader installed by its own programs, which the conductor has turned off ' +
  '(enable_bios_bootloader_install, CVE-2026-43003).';

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
