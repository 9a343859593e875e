/** Folder of a ramdisk's configuration files; each agent reads those that end in `.conf`. */
export const CONFIG_FOLDER = 'etc/ironic-python-agent.d';
const AUTHORITIES = 'etc/ironic-python-agent/ironic.crt';

/**
 * The files by which a ramdisk trusts the authorities of an https API, by path. Names and content are Ironic's
 * (drivers/modules/image_utils.py, `[agent]api_ca_file`), so that any agent reads them.
 * @param pem certificates
 */
export function authorityFiles(pem: string): Map<string, Uint8Array> {
  const encoder = new TextEncoder();
  return new Map([
    [AUTHORITIES, encoder.encode(pem)],
    [`${CONFIG_FOLDER}/ironic-tls.conf`, encoder.encode(`[DEFAULT]\ncafile = /${AUTHORITIES}\n`)],
  ]);
}

/**
 * `cafile` of section `[DEFAULT]` (oslo.config): the last one counts.
 * @param texts of the configuration files, by the order of their names
 */
export function authoritiesPath(texts: readonly string[]): string | undefined {
  let path: string | undefined;
  for (const text of texts) {
    let section = 'DEFAULT';
    for (const line of text.split(/\r?\n/)) {
      section = /^\s*\[([^\]]+)\]/.exec(line)?.[1] ?? section;
      const value = /^cafile\s*[=:]\s*(.*?)\s*$/.exec(line)?.[1];
      if (section === 'DEFAULT' && value !== undefined) path = value === '' ? undefined : value;
    }
  }
  return path;
}
