import { LineCounter, parseDocument } from 'yaml';

/**
 * Parses one YAML 1.1 document like PyYAML (and so Ansible and tripleo-common): `no` is false. A duplicate key is a
 * fault, where PyYAML takes the last. Integers become bigint, so that 1.0 stays a float.
 * @throws Error whose message has the line
 */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { version: '1.1', intAsBigInt: true, lineCounter: new LineCounter() });
  const [error] = document.errors;
  if (error) throw new Error(error.message.split('\n')[0]!.replace(/:$/, ''));
  return document.toJS({ maxAliasCount: 100 }) as unknown;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
