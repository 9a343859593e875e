import { type Logger as Pino, pino } from 'pino';
import { standardOutput } from './log-output.js';

export type Logger = Pick<Pino, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

/** Keys whose values never reach a log line, at the depths where they occur. */
const SECRET_KEYS = [
  'password',
  'ipmi_password',
  'agent_token',
  'agent_secret_token',
  'configdrive',
  'authorization',
  'x-auth-token',
  'x-subject-token',
];

/**
 * JSON lines on standard output.
 * @param level trace, debug, info, warn, error or silent
 */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRET_KEYS.flatMap((key) => ['', '*', '*.*'].map((at) => `${at}["${key}"]`)),
      censor: '***',
    },
  };
  return pino(options, destination ?? standardOutput());
}
