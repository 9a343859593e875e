import { isObject } from '../../../src/protocol/agent/malformed-body.js';
import type { Extension } from '../command-board.js';
import { installUefiEntry } from '../disk/boot-entry.js';
import { messageOf } from '../error.js';
import type { Journal } from '../journal.js';
import type { Machine } from '../machine/machine.js';
import type { NodeCache } from '../node-cache.js';

export interface ImageExtensionTools {
  machine: Machine;
  node: NodeCache;
  journal: Journal;
  ignoreBootloaderFailure: boolean;
}

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
          tools.journal.say(
            `boot mode mismatch: the node is meant to boot by ${target}, it runs in ${mode} mode`,
          );
        }
        if (mode === 'bios') {
          // A whole-disk image brings its boot code with it: the firmware needs nothing else.
          tools.journal.say('BIOS: the image has its own boot loader, nothing to install');
          return null;
        }
        try {
          await installUefiEntry(device.name, tools.journal);
        } catch (error) {
          tools.journal.say(`setting up the boot loader failed: ${messageOf(error)}`);
          if (!ignore) throw error;
        }
        return null;
      },
    },
  };
}
