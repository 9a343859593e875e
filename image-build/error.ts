import { FerricError } from '../src/domain/errors.js';

/** Programs or other pieces that the machine lacks; each with what brings it, where that is known. */
export class MissingToolsError extends FerricError {
  constructor(
    readonly missing: readonly string[],
    because = '',
  ) {
    super('unavailable', `missing here${because}: ${missing.join('; ')}`);
  }
}

/** Something that a build is made from can't be had: the message names what was tried. */
export class SourceUnreachableError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('image-unavailable', message, options);
  }
}

/** A program that did not do its work; its arguments are in the log. */
export class ProgramError extends FerricError {
  constructor(
    readonly program: string,
    how: string,
    /** Null: a signal ended it. */
    readonly status: number | null,
    /** The end of what it printed. */
    readonly output: string,
  ) {
    super('command-failed', `${program}: ${how}${output === '' ? '' : `\n${output}`}`);
  }
}
