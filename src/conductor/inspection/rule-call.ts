import { InvalidError, messageOf } from '../../domain/errors.js';
import type { RuleEffects } from '../../domain/inspection-rule/action.js';
import type { AddressGuardSettings } from '../../platform/address-guard.js';
import { HttpClient, type HttpClientSettings } from '../../platform/http-client.js';

/** Most bytes of an answer; its content is not used. */
const MAX_ANSWER = 65_536;
const MOST_SECONDS = 60;
const MOST_RETRIES = 10;

/**
 * The action `api-call` (Ironic: common/inspection_rules/actions.py, CallAPIHookAction): one GET, retried when it
 * fails. The URL may contain inspected data, so it may reach only what an image URL may reach, by the same proxies.
 */
export function ruleCall(
  guard: () => AddressGuardSettings,
  outbound: Pick<HttpClientSettings, 'proxy' | 'authorities'>,
): RuleEffects['call'] {
  return async (url, { headers, proxies, timeout, retries }) => {
    if (Object.keys(proxies).length > 0) throw new InvalidError('proxies are not supported');
    if (timeout > MOST_SECONDS) throw new InvalidError(`timeout must be at most ${MOST_SECONDS} seconds`);
    if (retries > MOST_RETRIES) throw new InvalidError(`retries must be at most ${MOST_RETRIES}`);
    if (!URL.canParse(url)) throw new InvalidError('it is no URL');
    const limit = timeout * 1000;
    const client = new HttpClient({ ...outbound, guard: guard(), connectTimeout: limit, idleTimeout: limit });
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          const given = Object.fromEntries(
            Object.entries(headers).map(([name, value]) => [name, String(value)]),
          );
          const { status } = await client.document({ url, headers: given, maxBytes: MAX_ANSWER });
          if (status < 400) return;
          throw new InvalidError(`status ${status}`);
        } catch (error) {
          if (attempt >= retries) throw new InvalidError(messageOf(error), { cause: error });
        }
      }
    } finally {
      client.close();
    }
  };
}
