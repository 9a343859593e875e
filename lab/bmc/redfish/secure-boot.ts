import { badValue, readOnly, refuse } from './answer.js';
import { type Board, pathsOf, type Resources } from './board.js';

/** Secure Boot resources of machines whose firmware has keys enrolled; a write takes effect at the next start. */
export function secureBootResources(board: Board): Resources {
  const { secureBoot } = board.machine;
  if (!secureBoot) return {};
  const path = `${pathsOf(board.personality).system}/SecureBoot`;
  const licensed = () => {
    if (!board.quirks.secureBootUnlicensed) return;
    throw refuse(403, 'SMC.1.0.OemLicenseNotPassed', 'A licence that this needs is not activated.');
  };
  return {
    [path]: {
      get: () => {
        licensed();
        return {
          '@odata.id': path,
          '@odata.type': '#SecureBoot.v1_1_0.SecureBoot',
          Id: 'SecureBoot',
          Name: 'UEFI Secure Boot',
          SecureBootEnable: secureBoot.wanted,
          SecureBootCurrentBoot: secureBoot.current ? 'Enabled' : 'Disabled',
          SecureBootMode: 'UserMode',
        };
      },
      patch: ({ body }) => {
        licensed();
        for (const key of Object.keys(body)) if (key !== 'SecureBootEnable') throw readOnly(key);
        const on = body['SecureBootEnable'];
        if (typeof on !== 'boolean') throw badValue(on, 'SecureBootEnable');
        secureBoot.want(on);
        return undefined;
      },
    },
  };
}
