import { describe, expect, it } from 'vitest';
import { failedFiles, readTier, sumLine, tierLine, withRerun } from '../../../scripts/test-tier.js';

const report = (over: object = {}) =>
  JSON.stringify({
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [{ name: 'a.spec.ts', status: 'passed', assertionResults: [{}, {}, {}] }],
    ...over,
  });

describe('the result of a tier', () => {
  it('is what the report counts', () => {
    expect(readTier('unit', report(), 0)).toEqual({
      tier: 'unit',
      passed: 3,
      failed: 0,
      skipped: 0,
      crash: null,
    });
    expect(
      readTier('unit', report({ numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }), 1),
    ).toMatchObject({
      passed: 3,
      failed: 2,
      skipped: 2,
      crash: null,
    });
  });

  it.each([
    ['could not be loaded', []],
    ['failed in beforeAll', [{ status: 'skipped' }]],
  ])('counts a file that %s as a failure', (_what, assertionResults) => {
    const broken = { name: 'b.spec.ts', status: 'failed', assertionResults };
    expect(readTier('unit', report({ testResults: [broken] }), 1)).toMatchObject({
      passed: 3,
      failed: 1,
      crash: null,
    });
  });

  it('of files that ran once more by themselves is that of their second run', () => {
    const file = {
      name: 'b.spec.ts',
      status: 'failed',
      assertionResults: [{ status: 'failed' }, { status: 'passed' }],
    };
    const other = { name: 'c.spec.ts', status: 'passed', assertionResults: [{ status: 'passed' }] };
    const text = report({ numPassedTests: 2, numFailedTests: 1, testResults: [file, other] });
    const { files, passed } = failedFiles(text);
    expect({ files, passed }).toEqual({ files: ['b.spec.ts'], passed: 1 });
    const first = readTier('component', text, 1);
    const alone = { tier: 'component', passed: 2, failed: 0, skipped: 0, crash: null };
    expect(withRerun(first, passed, alone)).toMatchObject({ passed: 3, failed: 0 });
    const worse = { ...alone, passed: 1, failed: 1 };
    expect(withRerun(first, passed, worse)).toMatchObject({ passed: 2, failed: 1 });
  });

  it('counts a file with a failed test once', () => {
    const file = { name: 'b.spec.ts', status: 'failed', assertionResults: [{ status: 'failed' }] };
    expect(readTier('unit', report({ numFailedTests: 1, testResults: [file] }), 1).failed).toBe(1);
  });

  it.each([
    ['no report', null, 1],
    ['no report and a signal', null, null],
    ['no report, though the exit status is 0', null, 0],
    ['half a report', '{"numPassed', 1],
    ['no test at all', report({ numPassedTests: 0, testResults: [] }), 0],
  ])('is a crash with one failure for %s', (_what, text, exit) => {
    const result = readTier('e2e', text, exit);
    expect(result).toMatchObject({ passed: 0, failed: 1 });
    expect(result.crash).not.toBeNull();
  });

  it('is a failure when the exit status says what no test does', () => {
    expect(readTier('component', report(), 1)).toMatchObject({
      passed: 3,
      failed: 1,
      crash: expect.stringMatching(/exit status 1/),
    });
    expect(readTier('component', report(), null).failed).toBe(1);
  });
});

describe('the lines', () => {
  const good = readTier('unit', report(), 0);
  const bad = readTier('e2e', report({ numFailedTests: 1, numPendingTests: 4 }), 1);

  it('say a tier, and skipped tests where there are any', () => {
    expect(tierLine(good)).toBe('unit: 3 passed, 0 failed');
    expect(tierLine(bad)).toBe('e2e: 3 passed, 1 failed, 4 skipped');
    expect(tierLine(readTier('x', null, null))).toBe(
      'x: 0 passed, 1 failed (ended with a signal and no report)',
    );
  });

  it('end with the sum', () => expect(sumLine([good, bad])).toBe('6 passed, 1 failed'));
});
