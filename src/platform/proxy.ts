import type { ProxySettings } from '../domain/network/proxy-rule.js';

/** The proxy settings of the environment; lower-case names win, as with curl. */
export function proxyOfEnvironment(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const http = env['http_proxy'] || env['HTTP_PROXY'];
  const https = env['https_proxy'] || env['HTTPS_PROXY'];
  const no = env['no_proxy'] || env['NO_PROXY'];
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), ...(no ? { no } : {}) };
}
