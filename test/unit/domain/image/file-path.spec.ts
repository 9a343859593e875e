import { describe, expect, it } from 'vitest';
import { checkFilePath, DEFAULT_FILE_PATHS } from '../../../../src/domain/image/file-path.js';

describe('checkFilePath', () => {
  it.each(['/images/a', '/var/lib/ironic/deep/er/a', '/var/lib/ferric/images/a'])('allows %s', (path) => {
    expect(() => checkFilePath(path, DEFAULT_FILE_PATHS, 'image_source')).not.toThrow();
  });

  it.each(['/images', '/imagesx/a', '/var/lib/ironicx', '/root/a', '/'])('refuses %s', (path) => {
    expect(() => checkFilePath(path, DEFAULT_FILE_PATHS, 'image_source')).toThrow(
      /^image_source: .*none of the allowed/,
    );
  });

  it.each(['/dev/zero', '/proc/self/environ', '/sys/x', '/boot/vmlinuz', '/run/x', '/etc/passwd', '/etc'])(
    'refuses %s even where everything is allowed',
    (path) => {
      expect(() => checkFilePath(path, ['/'], 'x')).toThrow(/never images/);
    },
  );

  it('takes a directory with a slash at its end, and the root', () => {
    expect(() => checkFilePath('/srv/a', ['/srv/'], 'x')).not.toThrow();
    expect(() => checkFilePath('/srv/a', ['/'], 'x')).not.toThrow();
    expect(() => checkFilePath('/srv/a', [], 'x')).toThrow(/\(none\)/);
  });
});
