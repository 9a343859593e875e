import { createLogger, type Logger } from '../../src/platform/logger.js';

/** A logger that keeps its output for assertions. */
export function collectedLog(): Logger & { text(): string } {
  let text = '';
  const log = createLogger('debug', { write: (line) => (text += line) });
  return Object.assign(log, { text: () => text });
}
