import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { AGENT_CONTROLLERS } from '../../../../src/api/agent-api.js';
import { everyVersion, Microversion } from '../../../../src/api/microversion/microversion.js';
import { openApiDocument } from '../../../../src/api/openapi/document.js';
import { openApiPage } from '../../../../src/api/openapi/page.js';
import { OPERATOR_CONTROLLERS } from '../../../../src/api/operator-api.js';
import { declaredRoutes } from '../../../../src/api/routes.js';

const routes = declaredRoutes(OPERATOR_CONTROLLERS);
const at = (minor: number) => openApiDocument(routes, new Microversion(minor), 'http://127.0.0.1:6385');
const properties = (minor: number, schema: string) =>
  Object.keys(at(minor).components.schemas[schema]?.['properties'] ?? {});

describe('the OpenAPI document', () => {
  it('describes every route: @Describe stands beside @Policy', () => {
    const all = [...routes, ...declaredRoutes(AGENT_CONTROLLERS)];
    const missing = all
      .filter(({ description }) => !description)
      .map(({ method, path }) => `${method} ${path}`);
    expect(missing).toEqual([]);
  });

  it.each([1, 43, 82, 115])('is valid OpenAPI 3.1 at 1.%i', async (minor) => {
    const { valid, errors } = await new Validator().validate({ ...at(minor) });
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  it('names each operation once', () => {
    const ids = Object.values(at(115).paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has only what its version has', () => {
    expect(Object.keys(at(48).paths)).not.toContain('/v1/conductors');
    expect(Object.keys(at(49).paths)).toContain('/v1/conductors');
    expect(properties(81, 'NodePart')).not.toContain('shard');
    expect(properties(82, 'NodePart')).toContain('shard');
    const listing = (minor: number) => JSON.stringify(at(minor).paths['/v1/nodes']!['get']!['parameters']);
    expect(listing(7)).not.toContain('"fields"');
    expect(listing(8)).toContain('"fields"');
  });

  it('never loses a route or a field with a newer version', () => {
    const seen = new Set<string>();
    for (const { minor } of everyVersion()) {
      const now = new Set([...Object.keys(at(minor).paths), ...properties(minor, 'Node')]);
      expect(
        [...seen].filter((name) => !now.has(name)),
        `1.${minor}`,
      ).toEqual([]);
      for (const name of now) seen.add(name);
    }
  });

  it('says what a new node needs and takes', () => {
    const created = at(115).components.schemas['NewNode']!;
    expect(created['required']).toEqual(['driver']);
    expect(created['properties']).toMatchObject({ driver: { type: 'string' } });
    expect(created['properties']).not.toHaveProperty('protected');
  });

  it('is a page without scripts, and no text of it is markup', () => {
    const document = at(115);
    const page = openApiPage({ ...document, info: { ...document.info, title: '<script>&"' } });
    expect(page).toContain('&#60;script&#62;&#38;&#34;');
    expect(page).not.toContain('<script');
    for (const path of Object.keys(document.paths)) expect(page).toContain(`<code>${path}</code>`);
  });
});
