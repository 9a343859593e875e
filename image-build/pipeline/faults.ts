import { InvalidError } from '../../src/domain/errors.js';

/** All faults of a pipeline's files, one line each. */
export class PipelineFaults extends InvalidError {
  constructor(
    file: string,
    readonly faults: readonly string[],
  ) {
    super(`${file} has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}
