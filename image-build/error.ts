import { FerricError } from '../src/domain/errors.js';

/** Programs or other parts that the machine lacks, with their package where known. */
export class MissingToolsError extends FerricError {
  constructor(
    readonly missing: readonly string[],
    because = '',
  ) {
    super('unavailable', `missing here${because}: ${missing.join('; ')}`);
  }
}

/** A source of a build is unreachable: the message names the addresses. */
export class SourceUnreachableError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('image-unavailable', message, options);
  }
}

/** A program that failed; its arguments are in the log. */
export class ProgramError extends FerricError {
  constructor(
    readonly program: string,
    how: string,
    /** Exit status; null: ended by a signal. */
    readonly status: number | null,
    /** The end of its output. */
    readonly output: string,
  ) {
    super('command-failed', `${program}: ${how}${output === '' ? '' : `\n${output}`}`);
  }
}
