import { createLogger, type Logger } from '../../src/platform/logger.js';

/** A log that is kept, to look for what must and must not be in it. */
export function collectedLog(): Logger & { text(): string } {
  let text = '';
  const log = createLogger('debug', { write: (line) => (text += line) });
  return Object.assign(log, { text: () => text });
}
