import type { Difference } from './walk.js';

/** A kind of differences that is meant, and why: a pattern for any field of the finding. */
export type Meant<F extends Difference> = { readonly [field in keyof F]?: RegExp } & {
  /** Where in the answer. */
  readonly path: RegExp;
  /** What must hold of the finding besides. */
  readonly when?: (finding: F) => boolean;
  readonly reason: string;
};

export interface Report<F extends Difference> {
  /** Findings by the row that each matches first. */
  readonly meant: readonly F[][];
  readonly open: readonly F[];
  /** Reasons of rows that nothing matched: such a row fails the test. */
  readonly unused: readonly string[];
}

export function reportOf<F extends Difference>(findings: readonly F[], rows: readonly Meant<F>[]): Report<F> {
  const meant: F[][] = rows.map(() => []);
  const open: F[] = [];
  const used = new Set<number>();
  for (const finding of findings) {
    const matching = rows.flatMap((row, at) => (isMeant(row, finding) ? [at] : []));
    for (const at of matching) used.add(at);
    if (matching[0] === undefined) open.push(finding);
    else meant[matching[0]]!.push(finding);
  }
  const unused = rows.filter((_, at) => !used.has(at)).map(({ reason }) => reason);
  return { meant, open, unused };
}

function isMeant<F extends Difference>(row: Meant<F>, finding: F): boolean {
  const matches = ([field, pattern]: [string, unknown]) =>
    !(pattern instanceof RegExp) || pattern.test(String(finding[field as keyof F]));
  return Object.entries(row).every(matches) && (row.when?.(finding) ?? true);
}

/**
 * One line for each open difference, those that were seen in several ways together.
 * @param request what was asked, in words
 * @param seen in which of the ways: a version, a form of output
 */
export function openLines<F extends Difference>(
  { open }: Report<F>,
  request: (finding: F) => string,
  seen: (finding: F) => string,
): string[] {
  const lines = Map.groupBy(
    open,
    (finding) =>
      `${request(finding)}: ${finding.path}\n    theirs ${finding.theirs}\n    ours   ${finding.ours}`,
  );
  return [...lines].map(([line, findings]) => `[${findings.map(seen).join(' ')}] ${line}`);
}

/** Both say what is wrong in the same first words. */
export function sameStart(...starts: RegExp[]) {
  return ({ theirs, ours }: Difference) =>
    starts.some((start) => {
      const [their, our] = [start.exec(theirs), start.exec(ours)];
      return their !== null && their[0] === our?.[0];
    });
}

export const theirs = (pattern: RegExp) => (finding: Difference) => pattern.test(finding.theirs);
