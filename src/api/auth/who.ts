/** Conditions on who may do something, with the semantics of oslo.policy’s check strings. */

/** The requester, as the login describes it. */
export interface Subject {
  readonly roles: ReadonlySet<string>;
  /** Project of the token; null for system scope. */
  readonly project: string | null;
  /** System scope: the whole deployment. */
  readonly system: boolean;
  /** Member of the project whose `service` role counts as the system’s. */
  readonly servesAll: boolean;
  /** Projects may create and delete nodes that they own. */
  readonly managesOwn: boolean;
}

/** The object of an action: the projects that own and lease it. */
export interface Target {
  readonly owner: string | null;
  readonly lessee?: string | null;
  /** An image that is public, community, or shared with the requester. */
  readonly open?: boolean;
  /** The project that an image is shared with. */
  readonly member?: string | null;
}

export interface Who {
  readonly words: string;
  /** Depends on the target, so it cannot be judged without one. */
  readonly looksAtTarget: boolean;
  holds(subject: Subject, target: Target | null): boolean;
}

const about = (words: string, holds: (subject: Subject) => boolean): Who => ({
  words,
  looksAtTarget: false,
  holds,
});
const relation = (words: string, is: (subject: Subject, target: Target) => boolean): Who => ({
  words,
  looksAtTarget: true,
  holds: (subject, target) => target !== null && is(subject, target),
});

export const role = (name: string): Who => about(name, (subject) => subject.roles.has(name));
export const system: Who = about('system scope', (subject) => subject.system);
export const servesAll: Who = about('the service project', (subject) => subject.servesAll);
/** An object without an owner belongs to the system, not to a project. */
export const owner: Who = relation('owner', (subject, target) =>
  target.owner === null ? subject.system : subject.project === target.owner,
);
export const lessee: Who = relation(
  'lessee',
  (subject, target) => typeof target.lessee === 'string' && subject.project === target.lessee,
);
export const openToAll: Who = relation('a visible image', (_subject, target) => target.open === true);
export const member: Who = relation(
  'image member',
  (subject, target) => typeof target.member === 'string' && subject.project === target.member,
);
export const nobody: Who = about('nobody', () => false);

export const all = (...parts: readonly Who[]): Who => ({
  words: parts.map(({ words }) => words).join(' of '),
  looksAtTarget: parts.some(({ looksAtTarget }) => looksAtTarget),
  holds: (subject, target) => parts.every((part) => part.holds(subject, target)),
});

export const any = (...parts: readonly Who[]): Who => ({
  words: [...new Set(parts.map(({ words }) => words))].join(', '),
  looksAtTarget: parts.some(({ looksAtTarget }) => looksAtTarget),
  holds: (subject, target) => parts.some((part) => part.holds(subject, target)),
});
