import type { IncomingHttpHeaders } from 'node:http';

export type Body = Record<string, unknown>;

/** A request, authenticated where its resource needs that. */
export interface Call {
  method: string;
  /** Path without trailing slash, query and percent-encoding. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** The parsed JSON; {} for any other body. */
  body: Body;
  /** The body's bytes. */
  raw: Buffer;
  /** Name of the user; empty where no login is needed. */
  user: string;
}

export interface Answer {
  status: number;
  body?: Body;
  headers?: Record<string, string>;
  /** Runs after the response has been sent. */
  after?: () => void;
}

/** A message of the Base registry, 1.x (DSP8011). */
export interface Message {
  MessageId: string;
  Message: string;
  Severity: 'OK' | 'Warning' | 'Critical';
  MessageArgs?: string[];
  RelatedProperties?: string[];
  Resolution?: string;
}

/** An error response in Redfish's form (DSP0266 §8.6). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly messages: readonly Message[],
    readonly headers: Record<string, string> = {},
  ) {
    super(messages[0]?.Message ?? String(status));
  }

  /** @param single whether @Message.ExtendedInfo is one object, as some BMCs send it */
  toBody(single: boolean): Body {
    const [first] = this.messages;
    return {
      error: {
        code: first?.MessageId ?? 'Base.1.12.GeneralError',
        message: first?.Message ?? 'A general error has occurred.',
        '@Message.ExtendedInfo': single ? first : this.messages,
      },
    };
  }
}

const VERSION = 'Base.1.12';

export function message(
  name: string,
  text: string,
  args: readonly string[] = [],
  properties: readonly string[] = [],
): Message {
  return {
    MessageId: name.includes('.') ? name : `${VERSION}.${name}`,
    Message: text,
    Severity: name === 'Success' ? 'OK' : 'Critical',
    ...(args.length > 0 ? { MessageArgs: [...args] } : {}),
    ...(properties.length > 0 ? { RelatedProperties: properties.map((one) => `#/${one}`) } : {}),
  };
}

export function refuse(status: number, name: string, text: string, args: readonly string[] = []): Refusal {
  return new Refusal(status, [message(name, text, args)]);
}

export const notFound = (path: string) =>
  refuse(404, 'ResourceMissingAtURI', `The resource at the URI ${path} was not found.`, [path]);

export const badValue = (value: unknown, property: string) =>
  new Refusal(400, [
    message(
      'PropertyValueNotInList',
      `The value ${JSON.stringify(value)} for the property ${property} is not in the list of acceptable values.`,
      [JSON.stringify(value), property],
      [property],
    ),
  ]);

export const readOnly = (property: string) =>
  new Refusal(400, [
    message(
      'PropertyNotWritable',
      `The property ${property} is a read-only property and cannot be assigned a value.`,
      [property],
      [property],
    ),
  ]);

export const unknownProperty = (property: string) =>
  new Refusal(400, [
    message(
      'PropertyUnknown',
      `The property ${property} is not in the list of valid properties for the resource.`,
      [property],
      [property],
    ),
  ]);

export const missingParameter = (action: string, parameter: string) =>
  refuse(400, 'ActionParameterMissing', `The action ${action} requires the parameter ${parameter}.`, [
    action,
    parameter,
  ]);

export const unknownParameter = (action: string, parameter: string) =>
  refuse(
    400,
    'ActionParameterUnknown',
    `The action ${action} was submitted with the invalid parameter ${parameter}.`,
    [action, parameter],
  );

/** A reference to another resource. */
export const link = (path: string) => ({ '@odata.id': path });

export function collection(path: string, type: string, members: readonly string[]): Body {
  return {
    '@odata.id': path,
    '@odata.type': `#${type}.${type}`,
    Name: type.replace(/Collection$/, ' Collection'),
    Members: members.map(link),
    'Members@odata.count': members.length,
  };
}
