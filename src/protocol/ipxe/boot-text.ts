/** A value that must not be part of a boot script: which one, and why. */
export class UnsafeBootText extends Error {
  constructor(
    readonly what: string,
    readonly reason: string,
  ) {
    super(`${what} ${reason}`);
    this.name = 'UnsafeBootText';
  }
}

declare const safe: unique symbol;
/**
 * A word without special meaning in iPXE scripts, in GRUB and pxelinux configurations, and on a kernel's command line.
 * Only this module creates one, and the renderers accept nothing else: a user's text cannot end a line, start a
 * command, expand to a setting or begin a comment.
 */
export type BootWord = string & { readonly [safe]: true };

/**
 * Letters, digits and the characters of kernel parameters, URLs and paths. Excluded: white space and control
 * characters (ends of words and lines), `$ { }` (settings, variables), `& | ; < > ( )` (commands), `#` (comments),
 * quotes, backslash and backtick, `* ?` and everything outside of ASCII.
 */
const WORD = /^[A-Za-z0-9_.,:=/@+%~[\]-]+$/;
const MOST_WORD = 1024;
/** The kernel's COMMAND_LINE_SIZE on x86 is 2048, including its end. */
const MOST_LINE = 2047;

/** @throws UnsafeBootText */
export function bootWord(text: string, what: string): BootWord {
  if (text === '') throw new UnsafeBootText(what, 'is empty');
  if (text.length > MOST_WORD) throw new UnsafeBootText(what, `is longer than ${MOST_WORD} characters`);
  if (!WORD.test(text)) {
    const bad = [...text].find((character) => !WORD.test(character)) ?? '';
    throw new UnsafeBootText(what, `must not contain ${nameOf(bad)}`);
  }
  return text as BootWord;
}

/**
 * Splits a user's text at blanks and checks each word.
 * @throws UnsafeBootText
 */
export function bootWords(text: string, what: string): BootWord[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => bootWord(word, what));
}

/**
 * `key=value`, or `key` for an empty value.
 * @throws UnsafeBootText
 */
export function kernelParameter(key: string, value: string): BootWord {
  if (key.includes('='))
    throw new UnsafeBootText(`kernel parameter ${key}`, 'must not contain = in its name');
  return bootWord(value === '' ? key : `${key}=${value}`, `kernel parameter ${key}`);
}

/**
 * An http(s) URL without user, query and fragment.
 * @throws UnsafeBootText
 */
export function bootUrlWord(url: string, what: string): BootWord {
  if (!/^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._~%/-]*)?$/.test(url)) {
    throw new UnsafeBootText(what, 'must be an http or https URL without user, query and fragment');
  }
  return bootWord(url, what);
}

/** Lower case with colons. @throws UnsafeBootText */
export function bootMac(text: string, what: string): BootWord {
  const mac = text.toLowerCase();
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) throw new UnsafeBootText(what, 'must be a MAC address');
  return bootWord(mac, what);
}

/** @throws UnsafeBootText for a line that the kernel would truncate */
export function commandLine(words: readonly BootWord[]): string {
  const line = words.join(' ');
  if (line.length > MOST_LINE) {
    throw new UnsafeBootText('the kernel command line', `is longer than ${MOST_LINE} characters`);
  }
  return line;
}

function nameOf(character: string): string {
  if (character === ' ') return 'a blank';
  return /^[\x21-\x7e]$/.test(character)
    ? character
    : `U+${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
}
