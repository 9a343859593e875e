import { type ErrorCode, FerricError } from '../../domain/errors.js';
import { type ExtendedMessage, wordsOf } from '../../protocol/redfish/error-body.js';

/**
 * What is known of a failed request. `unsent`: nothing of it was sent, or the BMC reports that it did nothing.
 * `refused`: the BMC answered with a refusal. `unknown`: no answer came, so it may have been executed.
 */
export type Outcome = 'unsent' | 'refused' | 'unknown';

export interface RedfishFault {
  readonly code: Extract<ErrorCode, 'bmc-unreachable' | 'bmc-authentication' | 'bmc-failed' | 'unsupported'>;
  readonly outcome: Outcome;
  /** The cause, printed after "failed:". Contains no secret. */
  readonly text: string;
  readonly status?: number;
  readonly messages?: readonly ExtendedMessage[];
  /** ms that the BMC requested before the next attempt. */
  readonly retryAfter?: number;
  /** Not a single byte was received. */
  readonly silent?: boolean;
}

/** Names the method, the path and the BMC's address, and quotes the BMC's own error text. */
export class RedfishError extends FerricError {
  constructor(
    readonly fault: RedfishFault,
    readonly request: { readonly method: string; readonly path: string },
    options?: ErrorOptions,
  ) {
    super(fault.code, `Redfish ${request.method} ${request.path} failed: ${fault.text}.`, options);
  }

  get status(): number | undefined {
    return this.fault.status;
  }

  get messages(): readonly ExtendedMessage[] {
    return this.fault.messages ?? [];
  }

  /** No answer came: it may have been executed. */
  get unanswered(): boolean {
    return this.fault.outcome === 'unknown';
  }
}

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'the BMC takes the request for a wrong one',
  401: 'the BMC refuses the login',
  403: 'the BMC’s account may not do that, or a licence is missing',
  404: 'the BMC has no such resource',
  405: 'the BMC does not offer that',
  409: 'the BMC says that it conflicts with what is under way',
  412: 'the resource changed meanwhile',
  428: 'the BMC wants an If-Match header',
  429: 'the BMC says that it is asked too often',
  500: 'the BMC reports an internal fault',
  503: 'the BMC is busy',
};

/** The fault of an answer's status, in the BMC's own words. */
export function faultOfStatus(
  status: number,
  messages: readonly ExtendedMessage[],
  more: { outcome: Outcome; retryAfter?: number },
): RedfishFault {
  const meaning = MEANINGS[status] ?? `the BMC answered with status ${status}`;
  const words = wordsOf(messages);
  return {
    code: status === 401 ? 'bmc-authentication' : 'bmc-failed',
    text:
      words === undefined ? `${meaning} (${status})` : `${meaning} (${status}): ${words.replace(/\.$/, '')}`,
    status,
    messages,
    ...more,
  };
}
