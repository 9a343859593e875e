/** A template that does not parse, or that uses an unsupported feature. */
export class TemplateError extends Error {
  /** Line, from 1; undefined while unknown. */
  line?: number;
}

/** @throws TemplateError always */
export function refuse(reason: string): never {
  throw new TemplateError(reason);
}
