import type { IncomingMessage } from 'node:http';
import { Access, ANYBODY, type Login } from '../../../src/api/auth/access.js';
import type { Subject } from '../../../src/api/auth/who.js';

export const OWNER = '70e5e25a-2ca2-4cb1-8ae8-7d8739cee205';
export const LESSEE = 'f11853c7-fa9c-4db3-a477-c9d8e0dbbf13';
export const STRANGER = 'ae64129e-b188-4662-b014-4127f4366ee6';

/** Keystone’s roles imply lower ones. */
const IMPLIED: Record<string, string[]> = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  service: ['service'],
};
const SCOPES: Record<string, Pick<Subject, 'project' | 'system' | 'servesAll'>> = {
  system: { project: null, system: true, servesAll: false },
  owner: { project: OWNER, system: false, servesAll: false },
  lessee: { project: LESSEE, system: false, servesAll: false },
  stranger: { project: STRANGER, system: false, servesAll: false },
  elevated: { project: STRANGER, system: false, servesAll: true },
};

/** @param name scope/role, such as `owner/reader`; with `!` where projects may not manage their own nodes */
export function personaHeaders(name: string): Record<string, string> {
  return { 'x-persona': name };
}

/** Trusts a header with the caller's persona; without the header everything is allowed. */
export class PersonaAccess extends Access {
  override async login(request: IncomingMessage): Promise<Login> {
    const name = request.headers['x-persona'];
    if (typeof name !== 'string') return ANYBODY;
    const [scope, role] = name.replace('!', '').split('/') as [string, string];
    const subject = {
      ...SCOPES[scope]!,
      roles: new Set(IMPLIED[role]!),
      managesOwn: !name.endsWith('!'),
    };
    return { user: name, project: subject.project, subject };
  }
}
