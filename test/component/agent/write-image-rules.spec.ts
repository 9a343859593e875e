import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskImage } from '../../support/agent/disk-image.js';
import { ImageServer } from '../../support/agent/image-server.js';
import { useWriteImage } from '../../support/agent/write-image-bed.js';

const bed = useWriteImage();
const { raw } = bed;

describe('write_image by the conductor’s rules for addresses', () => {
  let own: ImageServer;
  const rules = (trusted_urls: string[] = [], more: object = {}) => ({
    ferric_fetch_rules: {
      allowed_networks: ['127.0.0.0/8'],
      refused_networks: ['127.0.7.0/24'],
      endpoints: [{ host: '127.0.0.1', port: Number(new URL(own.url('')).port) }],
      trusted_urls,
      ...more,
    },
  });
  beforeEach(async () => {
    own = await ImageServer.start();
  });
  afterEach(() => own.stop());
  const details = async (image: object, drive?: string) =>
    (await bed.test.writeImage(image, drive)).command_error?.details ?? 'written';

  it('fetches what they permit, and what the conductor serves itself', async () => {
    const image = diskImage('dos');
    expect(await details(raw(image, rules()))).toBe('written');
    own.content.set('served', image);
    expect(await details(raw(image, { ...rules([own.url('served')]), urls: [own.url('served')] }))).toBe(
      'written',
    );
  });

  it('fetches nothing else of the conductor’s: no image, checksum or config drive, nor behind a redirect', async () => {
    const image = diskImage('dos');
    own.content.set('secret', image);
    bed.server.redirects.set('away', own.url('secret'));
    const port = Number(new URL(own.url('')).port);
    const from = [own.url('secret'), bed.server.url('away'), own.url('secret?x').replace('served', 'secret')];
    for (const url of from) {
      const asked = { ...raw(image, rules([own.url('served')])), urls: [url] };
      expect(await details(asked), url).toContain('it is a port of Ferric itself');
    }
    for (const checksum of from.slice(0, 2)) {
      const asked = raw(image, { ...rules(), os_hash_algo: undefined, os_hash_value: undefined, checksum });
      expect(await details(asked), checksum).toContain('it is a port of Ferric itself');
    }
    for (const drive of from.slice(0, 2)) {
      expect(await details(raw(image, rules()), drive)).toContain('it is a port of Ferric itself');
    }
    const byName = raw(image, {
      ...rules([], { endpoints: [{ host: 'localhost', port }] }),
      urls: [`http://127.0.0.1:${port}/secret`],
    });
    expect(await details(byName)).toContain('it is a port of Ferric itself');
    expect(own.requests).toEqual([]);
  });

  it('refuses networks, metadata services and loopback, and rules that it does not understand', async () => {
    const image = diskImage('dos');
    const asked = (url: string, more: object = {}) => ({ ...raw(image, rules([], more)), urls: [url] });
    expect(await details(asked('http://127.0.7.1/x'))).toContain('it lies in a refused network');
    expect(await details(asked('http://169.254.169.254/x'))).toContain('it is a link-local address');
    expect(await details(asked(bed.server.url('disk.raw'), { allowed_networks: [] }))).toContain(
      'it is a loopback address',
    );
    expect(await details(raw(image, { ferric_fetch_rules: 'none' }))).toContain('ferric_fetch_rules');
    expect(bed.server.requests).toEqual([]);
  });
});
