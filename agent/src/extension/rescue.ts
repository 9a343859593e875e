import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AgentLog } from '../agent-log.js';
import type { Extension } from '../command-board.js';
import { commandExecution, messageOf } from '../error.js';

export interface RescueFiles {
  /** init reads the hash here to make the user; upstream's ramdisks use the same path. */
  password: string;
  /** Marks a finished rescue. */
  marker: string;
}
export const RESCUE_FILES: RescueFiles = {
  password: '/etc/ipa-rescue-config/ipa-rescue-password',
  marker: '/etc/.rescued',
};

export interface RescueTools {
  log: AgentLog;
  files: RescueFiles;
  /** Stops the API and heartbeats. */
  close: () => Promise<void>;
  onRescued: () => void;
}

/** Milliseconds for the answer to reach the conductor. */
const ANSWER_MS = 500;

/** Hands the machine to its user (ironic_python_agent/extensions/rescue.py): a login, and no API any more. */
export function rescueExtension({ log, files, close, onRescued }: RescueTools): Extension {
  return {
    finalize_rescue: {
      kind: 'sync',
      validate: (params) => void passwordHash(params),
      run: async (params) => {
        const hash = passwordHash(params);
        try {
          await mkdir(dirname(files.password), { recursive: true });
          await writeFile(files.password, hash, { mode: 0o600 });
          await writeFile(files.marker, '');
        } catch (error) {
          throw commandExecution(`The rescue password could not be written: ${messageOf(error)}`, {
            cause: error,
          });
        }
        setTimeout(() => {
          void close().then(() => {
            log.say('rescue: the API is closed, user rescue may log in');
            onRescued();
          });
        }, ANSWER_MS);
        return null;
      },
    },
  };
}

/** @throws AgentError for a value that is not a hash: nobody could log in with a plain-text password */
function passwordHash(params: Readonly<Record<string, unknown>>): string {
  const { rescue_password: hash, hashed } = params;
  if (hashed !== true) {
    throw commandExecution('rescue_password must be hashed: this agent takes no password in clear');
  }
  if (
    typeof hash !== 'string' ||
    !/^\$[56]\$(rounds=\d{1,9}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{43,86}$/.test(hash)
  ) {
    throw commandExecution('rescue_password is no SHA-256 or SHA-512 hash of crypt(3)');
  }
  return hash;
}
