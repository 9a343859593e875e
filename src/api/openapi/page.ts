import type { OpenApiDocument } from './document.js';
import type { JsonSchema } from './json-schema.js';

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 2rem 4rem; color: #1a1a1a }
h2 { margin: 2rem 0 .5rem; text-transform: capitalize } summary { cursor: pointer; padding: .25rem 0 }
details { border-bottom: 1px solid #ddd } table { border-collapse: collapse; margin: .5rem 0 1rem }
td, th { padding: .15rem 1rem .15rem 0; text-align: left; vertical-align: top } code { font-size: 13px }
.verb { display: inline-block; width: 4.5rem; font-weight: 600 } .note { color: #555 }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd } details { border-color: #333 } .note { color: #aaa } a { color: #8bf } }
`;

/** The document as an HTML page: no script, no external resources. */
export function openApiPage(document: OpenApiDocument): string {
  const byTag = new Map<string, string[]>();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [verb, operation] of Object.entries(operations)) {
      const [tag = ''] = operation['tags'] as string[];
      byTag.set(tag, [...(byTag.get(tag) ?? []), route(verb, path, operation)]);
    }
  }
  const routes = [...byTag].map(
    ([tag, rows]) => `<h2>${escaped(tag.replaceAll('_', ' '))}</h2>${rows.join('')}`,
  );
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => schemaOf(name, schema));
  const { title, version, description } = document.info;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)} ${escaped(version)}</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>
<h1>${escaped(title)}</h1><p>${escaped(description)} As JSON: <a href="openapi.json">openapi.json</a>.</p>
${routes.join('\n')}<h2>Schemas</h2>${schemas.join('\n')}</body></html>`;
}

function route(verb: string, path: string, operation: JsonSchema): string {
  const parameters = (operation['parameters'] as JsonSchema[]).filter((each) => each['in'] === 'query');
  const [status, answer] = Object.entries(operation['responses'] as Record<string, JsonSchema>)[0]!;
  const takes = bodyOf(operation['requestBody'] as JsonSchema | undefined);
  const gives = bodyOf(answer);
  const rows = parameters.map(({ name, description, 'x-since': since }) => [name, since, description ?? '']);
  return `<details><summary><span class="verb">${verb.toUpperCase()}</span><code>${escaped(path)}</code> ${escaped(operation['summary'])}</summary>
<p class="note">Since ${escaped(operation['x-since'])}, policy <code>${escaped(operation['x-policy'])}</code></p>
${table(['Parameter', 'Since', ''], rows)}${takes ? `<p>Takes ${takes}</p>` : ''}<p>${status}${gives ? ` ${gives}` : ''}</p></details>`;
}

function bodyOf(holder: JsonSchema | undefined): string {
  const [media] = Object.values((holder?.['content'] ?? {}) as Record<string, { schema: JsonSchema }>);
  return media ? shape(media.schema) : '';
}

function shape(schema: JsonSchema): string {
  const { $ref, items } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    return `<a href="#${escaped(name)}">${escaped(name)}</a>`;
  }
  if (items) return `list of ${shape(items as JsonSchema)}`;
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  if (properties.length > 0) {
    return `{ ${properties.map(([name, each]) => `${escaped(name)}: ${shape(each)}`).join(', ')} }`;
  }
  const alternatives = schema['anyOf'] as JsonSchema[] | undefined;
  if (alternatives) return [...new Set(alternatives.map(shape))].join(' or ');
  if (schema['enum'])
    return (schema['enum'] as unknown[]).map((each) => `<code>${escaped(each)}</code>`).join(' or ');
  return schema['type'] === undefined ? 'anything' : escaped([schema['type']].flat().join(' or '));
}

function schemaOf(name: string, schema: JsonSchema): string {
  const required = new Set((schema['required'] ?? []) as string[]);
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const rows = properties.map(
    ([each, of]) =>
      `<tr><td><code>${escaped(each)}</code>${required.has(each) ? '' : '?'}</td><td>${escaped(of['x-since'] ?? '')}</td><td>${shape(of)}</td></tr>`,
  );
  const content = rows.length > 0 ? `<table>${rows.join('')}</table>` : `<p>${shape(schema)}</p>`;
  return `<details id="${escaped(name)}"><summary><b>${escaped(name)}</b></summary>${content}</details>`;
}

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  if (rows.length === 0) return '';
  const cells = (tag: string, row: readonly unknown[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${cells('th', head)}${rows.map((row) => cells('td', row)).join('')}</table>`;
}

function escaped(value: unknown): string {
  return String(value).replaceAll(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}
