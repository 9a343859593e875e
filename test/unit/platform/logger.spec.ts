import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/platform/logger.js';

describe('the log', () => {
  it.each([
    'password',
    'ipmi_password',
    'agent_token',
    'agent_secret_token',
    'configdrive',
    'authorization',
    'x-auth-token',
    'x-subject-token',
  ])('leaves the value of %s out, at three depths', (key) => {
    let text = '';
    const log = createLogger('info', { write: (line) => (text += line) });
    const secret = { [key]: 'canary' };
    log.info({ ...secret, headers: secret, a: { b: secret } }, 'a line');
    log.child({ request: secret }).warn('another');
    expect(text).not.toContain('canary');
    expect(text.match(/\*\*\*/g)).toHaveLength(4);
  });
});
