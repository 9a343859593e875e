import { FerricError, ForbiddenError } from '../../domain/errors.js';
import { type RuleName, ruleOf } from './policy-table.js';
import type { Subject, Target } from './who.js';

/**
 * The permissions of one request. The gate enters the route’s rule. A rule that depends on the object's owner, or on
 * the extent of a list, stays open until the handler has decided it here. While it is open, no answer is sent.
 */
export class Scope {
  #open: RuleName | null = null;
  #refusal: Error | null = null;

  /** @param subject null when the login may do everything (noauth, http_basic) */
  constructor(private readonly subject: Subject | null) {}

  /** The project of the request; null for system scope and where there are no projects. */
  get project(): string | null {
    return this.subject?.project ?? null;
  }

  /** Whether the scope is the whole deployment, not one project. */
  get isSystem(): boolean {
    return this.subject === null || this.subject.system;
  }

  /** Whether rules apply at all. */
  get isRestricted(): boolean {
    return this.subject !== null;
  }

  /** @param target of rules that depend on an owner or lessee */
  allows(rule: RuleName, target: Target | null = null): boolean {
    if (this.subject === null) return true;
    const { who, systemOnly } = ruleOf(rule);
    // A token scoped to a domain, or unscoped, satisfies no rule.
    if (!this.subject.system && this.subject.project === null) return false;
    if (systemOnly && !this.subject.system) return false;
    return who.holds(this.subject, target);
  }

  /** As `allows`, for actions of projects on their own nodes, where the configuration permits them. */
  mayManageOwn(rule: RuleName, target: Target | null = null): boolean {
    return this.subject?.managesOwn === true && this.allows(rule, target);
  }

  /**
   * Decides by a rule. @param waived the request is allowed for another reason, such as a public runbook
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
   * Called by the gate.
   * @param on.ofNode the route is of one node: the handler decides once it has found it, whatever the rule
   * @param on.refusal the answer after the rule allowed the request: the request is older than the route
   * @throws ForbiddenError where the rule can be judged at once and refuses
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
   * @param requested the project that the query names
   * @returns the only project whose owned and leased objects may be listed; undefined: all
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

  /** @throws FerricError internal, when the handler answers without a decision */
  assertDecided(): void {
    if (this.#open !== null) throw new FerricError('internal', `${this.#open} was not decided`);
  }
}

function denied(rule: RuleName): ForbiddenError {
  return new ForbiddenError(`Access was denied to the following resource: ${rule}`);
}
