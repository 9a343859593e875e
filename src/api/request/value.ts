import { InvalidError } from '../../domain/errors.js';
import { canonicalUuid, isLogicalName, isUuidLike } from '../../domain/node/name.js';

/** Parses values of parameters, with Ironic's error texts (ironic/common/args.py, oslo.utils strutils). */

const TRUE = ['1', 't', 'true', 'on', 'y', 'yes'];
const FALSE = ['0', 'f', 'false', 'off', 'n', 'no'];
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const SHOWN = 100;

/** @returns null when the text is not a boolean */
export function readBoolean(text: string): boolean | null {
  const word = text.trim().toLowerCase();
  if (TRUE.includes(word)) return true;
  return FALSE.includes(word) ? false : null;
}

export function notABoolean(name: string, text: string): string {
  const accepted = [...TRUE, ...FALSE].toSorted().map((word) => `'${word}'`);
  return `Invalid ${name}: Unrecognized value '${shorten(text)}', acceptable values are: ${accepted.join(', ')}`;
}

/** A long value, cut for a message. */
export function shorten(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

export function boolean(name: string, text: string): boolean {
  const value = readBoolean(text);
  if (value === null) throw new InvalidError(notABoolean(name, text));
  return value;
}

export function integer(name: string, text: string): number {
  if (!/^\s*[+-]?\d{1,15}\s*$/.test(text)) {
    throw new InvalidError(`Expected an integer for ${name}: ${shorten(text)}`);
  }
  return Number(text);
}

/** @returns lower case with hyphens */
export function uuid(name: string, text: string): string {
  const value = canonicalUuid(text);
  if (value === null) throw new InvalidError(`Expected UUID for ${name}: ${shorten(text)}`);
  return value;
}

export function uuidOrName(name: string, text: string): string {
  if (!isUuidLike(text) && !isLogicalName(text)) {
    throw new InvalidError(`Expected UUID or name for ${name}: ${shorten(text)}`);
  }
  return text;
}

/** @returns lower case */
export function macAddress(name: string, text: string): string {
  const lower = text.toLowerCase();
  if (!MAC.test(lower)) throw new InvalidError(`Expected valid MAC address for ${name}: ${shorten(text)}`);
  return lower;
}

export function isMacAddress(text: string): boolean {
  return MAC.test(text.toLowerCase());
}

export function text(_name: string, value: string): string {
  return value;
}

/** Comma-separated; lower-cased, empty items and repetitions dropped. */
export function stringList(name: string, value: string): string[] {
  const items = value.split(',').map((item) => item.trim().toLowerCase());
  const kept = [...new Set(items.filter((item) => item !== ''))];
  if (kept.length > 200) throw new InvalidError(`Too many values for ${name}.`);
  return kept;
}
