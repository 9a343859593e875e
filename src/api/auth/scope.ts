import { FerricError, ForbiddenError } from '../../domain/errors.js';
import { type RuleName, ruleOf } from './policy-table.js';
import type { Subject, Target } from './who.js';

/**
 * What one request may see and do. The gate names the route’s rule; a rule that depends on whose the object is, or on
 * how much a list shows, stays open until the handler has decided it here. Nothing is answered while it is open.
 */
export class Scope {
  #open: RuleName | null = null;
  #refusal: Error | null = null;

  /** @param subject null where a login may do everything (noauth, http_basic) */
  constructor(private readonly subject: Subject | null) {}

  /** The project that the request speaks for; null for system scope and where there are no projects. */
  get project(): string | null {
    return this.subject?.project ?? null;
  }

  /** Whether the whole deployment is in reach, not one project. */
  get isSystem(): boolean {
    return this.subject === null || this.subject.system;
  }

  /** Whether rules are judged at all. */
  get isRestricted(): boolean {
    return this.subject !== null;
  }

  /** @param target of rules that speak of an owner or lessee */
  allows(rule: RuleName, target: Target | null = null): boolean {
    if (this.subject === null) return true;
    const { who, systemOnly } = ruleOf(rule);
    // A token of a domain, or of nothing, has no say in any rule.
    if (!this.subject.system && this.subject.project === null) return false;
    if (systemOnly && !this.subject.system) return false;
    return who.holds(this.subject, target);
  }

  /** As `allows`, for what projects may do with nodes of their own where the configuration lets them. */
  mayManageOwn(rule: RuleName, target: Target | null = null): boolean {
    return this.subject?.managesOwn === true && this.allows(rule, target);
  }

  /**
   * Decides by a rule. @param waived something else lets the request through, such as a public runbook
   * @throws ForbiddenError
   */
  demand(rule: RuleName, target: Target | null = null, waived = false): void {
    if (!waived && !this.allows(rule, target)) throw denied(rule);
    this.#open = null;
    this.#refuse();
  }

  #refuse(): void {
    if (this.#refusal !== null) throw this.#refusal;
  }

  /**
   * For the gate.
   * @param on.ofNode the route is of one node: the handler decides once it has found that, whatever the rule looks at
   * @param on.refusal what the request is told where the rule lets it through: it is older than the route
   * @throws ForbiddenError where the rule can be judged at once, and says no
   */
  enter(
    rule: RuleName,
    on: { ofNode: boolean; refusal: Error | null } = { ofNode: false, refusal: null },
  ): void {
    this.#refusal = on.refusal;
    if (this.subject === null) {
      if (!on.ofNode) this.#refuse();
      return;
    }
    const { who, own, orOwn } = ruleOf(rule);
    if (own !== undefined && !this.allows(own) && !this.allows(rule))
      throw denied(this.project === null ? rule : own);
    if (on.ofNode || who.looksAtTarget || own !== undefined || orOwn !== undefined) this.#open = rule;
    else this.demand(rule);
  }

  /** Decides by the route’s rule. Listings are left to `confine`. @throws ForbiddenError */
  demandRoute(target: Target): void {
    if (this.#open !== null && ruleOf(this.#open).own === undefined) this.demand(this.#open, target);
    this.#refuse();
  }

  /**
   * Decides a listing by the route’s rule.
   * @param requested the project that the query asks for
   * @returns project whose own and leased objects alone may be listed; undefined: all
   * @throws ForbiddenError
   */
  confine(requested?: string): string | undefined {
    const rule = this.#open;
    const own = rule === null ? undefined : ruleOf(rule).own;
    if (rule === null || own === undefined) return requested;
    if (this.allows(rule)) {
      this.#open = null;
      return requested;
    }
    const { project } = this;
    if (project === null || (requested !== undefined && requested !== project)) throw denied(rule);
    this.demand(own);
    return project;
  }

  /** @throws FerricError internal, when a handler answers without having decided */
  assertDecided(): void {
    if (this.#open !== null) throw new FerricError('internal', `${this.#open} was not decided`);
  }
}

function denied(rule: RuleName): ForbiddenError {
  return new ForbiddenError(`Access was denied to the following resource: ${rule}`);
}
