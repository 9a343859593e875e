import { badValue, readOnly, refuse } from './answer.js';
import { type Board, pathsOf, type Resources } from './board.js';

/** Of machines whose firmware has keys; what is written holds from the next start on. */
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
