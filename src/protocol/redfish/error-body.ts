import { isObject, type Json, type JsonObject } from '../json.js';
import { partOf, partsOf, type Resource, textOf } from './resource.js';

/** One message of a service (DSP0268, Message). */
export interface ExtendedMessage {
  /** The last segment of MessageId: names and versions of registries differ between services. */
  readonly id: string;
  readonly text: string;
  readonly resolution: string | undefined;
  readonly severity: Severity;
  /** Without `#` and `/` before them. */
  readonly properties: readonly string[];
}

const SEVERITIES = ['OK', 'Warning', 'Critical'] as const;
type Severity = (typeof SEVERITIES)[number];

/** Characters of a service's text that an error message contains. */
const MOST_TEXT = 600;

/**
 * Messages of an answer, worst first: `error.@Message.ExtendedInfo` as a list or as one object (iDRAC), the same beside
 * the resource (answers with status 200), or `error.message` alone (DSP0266 §8.6).
 */
export function readMessages(body: Json | undefined): ExtendedMessage[] {
  if (!isObject(body)) return [];
  const error = partOf(body, 'error');
  const infos = [...partsOf(error, EXTENDED), ...partsOf(body, EXTENDED), ...annotated(body)];
  const messages = infos.map(readMessage).filter((message) => message !== undefined);
  if (messages.length === 0 && error) {
    const alone = readMessage({ MessageId: error['code'] ?? '', Message: error['message'] ?? '' });
    if (alone) messages.push(alone);
  }
  return messages.toSorted((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));
}

const EXTENDED = '@Message.ExtendedInfo';

/** `Property@Message.ExtendedInfo`: the result for one property of a PATCH. */
function annotated(body: JsonObject): Resource[] {
  return Object.keys(body)
    .filter((name) => name.length > EXTENDED.length && name.endsWith(EXTENDED))
    .flatMap((name) => partsOf(body, name));
}

/** Messages of Task.Messages and of Settings.Messages have the same shape. */
export function readMessage(info: Resource): ExtendedMessage | undefined {
  const id = textOf(info, 'MessageId')?.split(/[.:]/).at(-1) ?? '';
  const text = plain(filled(textOf(info, 'Message') ?? '', info)) || id;
  if (text === '') return undefined;
  const said = textOf(info, 'MessageSeverity') ?? textOf(info, 'Severity') ?? '';
  const named = SEVERITIES.find((severity) => severity.toLowerCase() === said.toLowerCase());
  const properties = Array.isArray(info['RelatedProperties']) ? info['RelatedProperties'] : [];
  return {
    id,
    text,
    resolution: plain(textOf(info, 'Resolution') ?? '') || undefined,
    severity: named ?? (/^(Success|NoOperation)$/.test(id) ? 'OK' : 'Warning'),
    properties: properties.flatMap((name) =>
      typeof name === 'string' ? name.replace(/^#?\/?/, '').replaceAll('/', '.') : [],
    ),
  };
}

/** A service may leave placeholders such as `%1` to its client. */
function filled(text: string, info: Resource): string {
  const args = info['MessageArgs'];
  if (!Array.isArray(args)) return text;
  return text.replace(/%(\d{1,2})/g, (whole, place: string) => {
    const value = args[Number(place) - 1];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : whole;
  });
}

/** One line of printable text, for logs, `last_error` and terminals. */
function plain(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > MOST_TEXT ? `${line.slice(0, MOST_TEXT)}…` : line;
}

/** The service's error text in one line. @returns undefined if it sent none */
export function wordsOf(messages: readonly ExtendedMessage[]): string | undefined {
  const worst = messages.filter(({ severity }) => severity !== 'OK');
  const said = (worst.length > 0 ? worst : messages).slice(0, 3);
  const texts = [...new Set(said.map(({ text, id }) => (id && id !== text ? `${text} (${id})` : text)))];
  return texts.length > 0 ? texts.join(' ') : undefined;
}

/** Whether one of the messages has one of these ids, in any registry. */
export function hasMessage(messages: readonly ExtendedMessage[], ...ids: readonly string[]): boolean {
  return messages.some(({ id }) => ids.includes(id));
}
