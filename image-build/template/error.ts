/** A template that cannot be read, or that asks for what this engine does not have. */
export class TemplateError extends Error {
  /** 1 for the first line; undefined where it is not known yet. */
  line?: number;
}

/** @throws TemplateError always */
export function refuse(reason: string): never {
  throw new TemplateError(reason);
}
