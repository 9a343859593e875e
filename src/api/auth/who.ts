/** Who may do something, as sentences that a machine evaluates. Semantics of oslo.policy’s check strings. */

/** Who asks, as the login says. */
export interface Subject {
  readonly roles: ReadonlySet<string>;
  /** Its token’s project; null for one of system scope. */
  readonly project: string | null;
  /** The whole deployment is its scope. */
  readonly system: boolean;
  /** It belongs to the project whose `service` role is as good as the system’s. */
  readonly servesAll: boolean;
  /** Projects may create and delete nodes that they own. */
  readonly managesOwn: boolean;
}

/** What it is done to: the projects that own and lease it. */
export interface Target {
  readonly owner: string | null;
  readonly lessee?: string | null;
  /** An image that is public, of the community, or shared with the one who asks. */
  readonly open?: boolean;
  /** The project that an image is shared with. */
  readonly member?: string | null;
}

export interface Who {
  readonly words: string;
  /** Depends on the target: it cannot be judged before that is known. */
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
/** What nobody owns is the system's, and no project's. */
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
