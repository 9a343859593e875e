import { CONDUCTOR } from '../../src/domain/actor.js';

/** Fields of a test's event, besides its text. */
export const NOTE = { event_type: 'test', kind: 'node.note', actor: CONDUCTOR } as const;
