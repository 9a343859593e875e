import { Document, Scalar, visit } from 'yaml';
import type { Json } from '../../src/domain/json.js';
import { print, type Shell } from '../shell.js';
import { textTable } from '../terminal/text-table.js';
import { escaped, isObeyed, plainLine } from './plain-text.js';

export const FORMATS = ['table', 'json', 'yaml', 'csv', 'name'] as const;
export type Format = (typeof FORMATS)[number];

type Row = Readonly<Record<string, Json | undefined>>;

/** Prints rows: as the API has them (json, yaml), or their columns; on a terminal and in a pipe alike. */
export function printRows(
  shell: Shell,
  format: Format,
  rows: readonly Row[],
  columns: readonly string[],
): void {
  switch (format) {
    case 'json':
      print(shell, jsonOf(rows));
      return;
    case 'yaml':
      print(shell, yamlOf(rows));
      return;
    case 'name':
      for (const row of rows) print(shell, cell(row['name'] ?? row['uuid']));
      return;
    case 'csv':
      for (const line of [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))])
        print(shell, line.map(quoted).join(','));
      return;
    case 'table':
      print(
        shell,
        textTable(
          columns.map((column) => column.toUpperCase()),
          rows.map((row) => columns.map((column) => cell(row[column]))),
        ),
      );
  }
}

/** Prints one object: its fields in lines, or as the API has it. */
export function printOne(shell: Shell, format: Format, row: Row): void {
  const whole: Partial<Record<Format, () => string>> = {
    json: () => jsonOf(row),
    yaml: () => yamlOf(row),
    name: () => cell(row['name'] ?? row['uuid']),
  };
  const text = whole[format];
  if (text) {
    print(shell, text());
    return;
  }
  const fields = Object.entries(row).filter(([name]) => name !== 'links');
  if (format === 'csv') {
    for (const [name, value] of fields) print(shell, `${quoted(name)},${quoted(cell(value))}`);
    return;
  }
  print(
    shell,
    textTable(
      ['FIELD', 'VALUE'],
      fields.map(([name, value]) => [name, cell(value)]),
    ),
  );
}

function jsonOf(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2));
}

function yamlOf(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Scalar: (_, node) => {
      // YAML has escapes in double quotes only.
      if (typeof node.value === 'string' && isObeyed(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return escaped(document.toString().trimEnd());
}

function cell(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  return plainLine(typeof value === 'string' ? value : JSON.stringify(value));
}

/** RFC 4180 §2. A leading sign that a spreadsheet would calculate with is kept as text. */
function quoted(value: string): string {
  const safe = /^[=+@-]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
