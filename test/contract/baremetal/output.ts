import type { Printed } from './client.js';

/** What a command printed, in parts that can be told apart, with what two servers cannot have in common neutralised. */
export interface Outcome {
  status: number;
  stderr: string[];
  /** A list, one record, any JSON, or lines of text. */
  stdout: Table | { json: unknown } | { lines: string[] };
}

interface Table {
  columns: string[];
  rows: string[][];
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const OWN_UUID = /^d1ffe700-/;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?/g;
const RULE = /^\+[-+]+\+$/;

/** @param base URL of the server that was asked */
export function outcomeOf({ status, stdout, stderr }: Printed, base: string): Outcome {
  const neutral = (text: string) =>
    text
      .replaceAll(base, '<base>')
      .replaceAll(base.replace('http://', ''), '<base>')
      .replaceAll(/\breq-<?[0-9a-f-]+>?/g, '<request>')
      .replaceAll(TIME, '<time>')
      .replaceAll(UUID, (uuid) => (OWN_UUID.test(uuid) ? uuid : '<uuid>'));
  return { status, stderr: linesOf(neutral(stderr)), stdout: formOf(stdout, neutral) };
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

function formOf(text: string, neutral: (text: string) => string): Outcome['stdout'] {
  const lines = linesOf(text);
  if (lines[0] !== undefined && RULE.test(lines[0])) return tableOf(lines, neutral);
  if (/^[[{]/.test(text)) {
    try {
      return { json: JSON.parse(neutral(text)) as unknown };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return { lines: linesOf(neutral(text)) };
}

/** Cells are cut where the rule has its crosses: what stands in a cell may have bars of its own. */
function tableOf(lines: string[], neutral: (text: string) => string): Table {
  const edges = [...lines[0]!.matchAll(/\+/g)].map(({ index }) => index);
  const cellsOf = (line: string) =>
    edges.slice(1).map((edge, at) => neutral(line.slice(edges[at]! + 1, edge).trim()));
  const [head = '', ...body] = lines.filter((line) => !RULE.test(line));
  return { columns: cellsOf(head), rows: body.map(cellsOf) };
}
