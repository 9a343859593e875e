import { CONDUCTOR } from '../../src/domain/actor.js';

/** What an event of a test has besides its words. */
export const NOTE = { event_type: 'test', kind: 'node.note', actor: CONDUCTOR } as const;
