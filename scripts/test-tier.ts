/** Result of one tier, read from vitest's JSON report alone. */
export interface TierResult {
  tier: string;
  passed: number;
  failed: number;
  skipped: number;
  /** Why the tier has no result that can be counted; it then counts as one failure. */
  crash: string | null;
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[];
}

/**
 * @param report text of the report; null when vitest wrote none
 * @param exit vitest's exit status; null when a signal or the deadline ended it
 */
export function readTier(tier: string, report: string | null, exit: number | null): TierResult {
  const crashed = (crash: string): TierResult => ({ tier, passed: 0, failed: 1, skipped: 0, crash });
  if (report === null) return crashed(`ended with ${ending(exit)} and no report`);
  let counts: VitestReport;
  try {
    counts = JSON.parse(report) as VitestReport;
  } catch {
    return crashed(`ended with ${ending(exit)} and a report that cannot be read`);
  }
  const result: TierResult = {
    tier,
    passed: counts.numPassedTests,
    // A file that could not be loaded, or whose beforeAll failed, reports no failed test.
    failed: counts.numFailedTests + brokenFiles(counts),
    skipped: counts.numPendingTests + counts.numTodoTests,
    crash: null,
  };
  if (result.passed + result.failed === 0) return crashed('ran no test');
  // Errors outside the tests, such as an unhandled rejection, show only in the exit status.
  if (exit !== 0 && result.failed === 0)
    return { ...result, failed: 1, crash: `no test failed, yet it ended with ${ending(exit)}` };
  return result;
}

/** The files of a report that failed, with the number of tests in them that passed. */
export function failedFiles(report: string): { files: string[]; passed: number } {
  const failed = (JSON.parse(report) as VitestReport).testResults.filter(({ status }) => status === 'failed');
  const tests = failed.flatMap(({ assertionResults }) => assertionResults);
  return {
    files: failed.map(({ name }) => name),
    passed: tests.filter(({ status }) => status === 'passed').length,
  };
}

/**
 * The result of a tier whose failed files ran once more by themselves.
 * @param passed tests of these files that passed in the first run
 */
export function withRerun(first: TierResult, passed: number, again: TierResult): TierResult {
  return { ...first, passed: first.passed - passed + again.passed, failed: again.failed, crash: again.crash };
}

function brokenFiles(report: VitestReport): number {
  return report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
}

const ending = (exit: number | null): string => (exit === null ? 'a signal' : `exit status ${exit}`);

/** `unit: 812 passed, 0 failed, 1 skipped` */
export function tierLine({ tier, passed, failed, skipped, crash }: TierResult): string {
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${tier}: ${passed} passed, ${failed} failed${skips}${crash === null ? '' : ` (${crash})`}`;
}

/** The last line of a test run: `N passed, N failed`. */
export function sumLine(results: readonly TierResult[]): string {
  const sum = (key: 'passed' | 'failed') => results.reduce((all, result) => all + result[key], 0);
  return `${sum('passed')} passed, ${sum('failed')} failed`;
}
