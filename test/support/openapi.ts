import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { Microversion, negotiate } from '../../src/api/microversion/microversion.js';
import { openApiDocument } from '../../src/api/openapi/document.js';
import { OPERATOR_CONTROLLERS } from '../../src/api/operator-api.js';
import { normalisePath } from '../../src/api/request/path.js';
import { declaredRoutes } from '../../src/api/routes.js';

const ROUTES = declaredRoutes(OPERATOR_CONTROLLERS);
const RAMDISK = /^\/v1\/(lookup|heartbeat|continue_inspection)/;
/** Validators by version, method and path. */
const checks = new Map<string, ValidateFunction | null>();
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

/** An exchange of a client with the operators' API. */
export interface Exchange {
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  /** Headers of the request. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly status: number;
  /** Undefined: the response is not JSON. */
  readonly body: unknown;
}

/**
 * Checks a response of the operators' API against the OpenAPI document of the request's version.
 * @throws Error naming the deviation; errors and responses of the ramdisks' routes are not checked
 */
export function checkAnswer({ method, path, headers, status, body }: Exchange): void {
  if (status >= 300 || RAMDISK.test(path)) return;
  const version = versionOf(path, headers as Record<string, string>);
  const { url } = normalisePath(path, !version.does('dotJsonIsName'));
  const plain = url.replace(/[?#].*$/, '');
  const verb = method === 'HEAD' ? 'GET' : method;
  const route = ROUTES.filter((each) => each.method === verb && version.has(each.since ?? 0))
    // A fixed segment takes precedence over a parameter.
    .toSorted((a, b) => a.path.split(':').length - b.path.split(':').length)
    .find((each) => templateOf(each.path).test(plain));
  if (!route) throw new Error(`${verb} ${plain} answered ${status} and is not in the document of ${version}`);
  if (status === 202 && route.description?.orAccepted) return;
  if (route.status !== status) throw new Error(`${verb} ${plain} answered ${status}, not ${route.status}`);
  if (body === undefined) return;
  const check = checkOf(version, route.method, route.path, status);
  if (!check) throw new Error(`${verb} ${plain} answered a body that is not described`);
  if (!check(body)) {
    const faults = check.errors?.map(({ instancePath, message, params }) =>
      [instancePath, message, JSON.stringify(params)].join(' '),
    );
    throw new Error(`${verb} ${plain} at ${version} is not as its document says: ${faults?.join('; ')}`);
  }
}

/** The root responds to any requested version. */
function versionOf(path: string, headers: Record<string, string>): Microversion {
  try {
    return negotiate(headers);
  } catch (error) {
    if (path === '/') return Microversion.oldest;
    throw error;
  }
}

const { Error: refusal } = openApiDocument([], Microversion.newest, '').components.schemas;
const checkError = ajv.compile(refusal!);

/** Checks an error response, whose form is the same for all operations and unknown paths. @throws Error */
export function checkRefusal({ method, path, status, body }: Exchange): void {
  if (method !== 'HEAD' && !checkError(body)) {
    throw new Error(`${method} ${path} answered ${status} without an error: ${JSON.stringify(body)}`);
  }
}

function templateOf(path: string): RegExp {
  const pattern = path.replaceAll(/[.]/g, '\\.').replaceAll(/:\w+/g, '[^/]+');
  return new RegExp(`^${pattern}$`);
}

/** Null: the document describes no JSON. */
function checkOf(
  version: Microversion,
  method: string,
  path: string,
  status: number,
): ValidateFunction | null {
  const key = `${version} ${method} ${path}`;
  const known = checks.get(key);
  if (known !== undefined) return known;
  const { paths, components } = openApiDocument(ROUTES, version, 'http://127.0.0.1');
  const operation = paths[path.replaceAll(/:(\w+)/g, '{$1}')]![method.toLowerCase()] as unknown as Operation;
  const described = operation.responses[String(status)]?.content?.['application/json'];
  // References point into `components`, which the schema therefore includes.
  const check = described ? ajv.compile({ allOf: [described.schema], components }) : null;
  checks.set(key, check);
  return check;
}
