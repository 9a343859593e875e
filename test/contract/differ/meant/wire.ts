import { theirs } from '../../compare/report.js';
import { IRONIC_ROUTES, patternOf } from '../route/ironic-routes.js';
import { type Meant, pageOf, TEXT } from './row.js';

/** Whether Ironic has the method at the path of a request, as its scenario has it. */
function isIronicRoute(request: string): boolean {
  const [asked, path = ''] = request.split(' ');
  return IRONIC_ROUTES.some(
    (route) => route.method === asked && patternOf(route.path).test(path.replace(/\?.*$/, '')),
  );
}

/** Versions, headers, routes and paging. */
export const WIRE: readonly Meant[] = [
  // Versions
  {
    path: /^headers\.x-openstack-ironic-api-maximum-version$/,
    when: ({ ours }) => ours === '"1.115"',
    reason: 'Ferric speaks versions up to 1.115, Debian’s Ironic up to 1.82.',
  },
  {
    path: /^headers\.x-openstack-ironic-api-version$/,
    when: ({ version, ours }) => version === 'latest' && ours === '"1.115"',
    reason: 'The latest version is 1.115, of Debian’s Ironic 1.82.',
  },
  {
    path: /^body\.(default_version|versions\[0\]|version)\.version$/,
    when: ({ ours }) => ours === '"1.115"',
    reason: 'The roots name 1.115 as the newest version.',
  },
  {
    scenario: /^roots$/,
    request: /^GET \/$/,
    path: /^body\.versions\[\d+\]$/,
    when: theirs(/^absent$/),
    reason: 'The root lists the Image service inside as well: one endpoint serves both.',
  },
  {
    scenario: /^roots$/,
    request: /^GET \/v2$/,
    path: /^status$/,
    when: ({ ours }) => ours.startsWith('200'),
    reason: 'The Image service inside is at /v2.',
  },
  {
    path: /^body\.error_message\.(description|faultstring)$/,
    when: (finding) => finding.theirs.replace('[1.1, 1.82]', '[1.1, 1.115]') === finding.ours,
    reason: 'A refused version is told the range up to 1.115.',
  },
  {
    request: /^GET \/v1$/,
    path: /^body\.(continue_inspection|runbooks|inspection_rules)$/,
    when: ({ version }) => version === 'latest',
    reason: 'Resources that came after 1.82.',
  },
  {
    scenario: /^standard version header$/,
    path: /./,
    reason:
      'Newer releases of Ironic read the header OpenStack-API-Version too; Debian’s reads only its own.',
  },
  {
    scenario: /^negotiation$/,
    path: /^status$/,
    when: ({ version }) => version === '',
    reason: 'An empty version header is none, as in newer releases of Ironic.',
  },
  {
    scenario: /^negotiation$/,
    path: /^body\.error_message\.description$/,
    when: ({ version }) => version === '-1.5',
    reason: 'A version with a sign is no version, as in newer releases of Ironic.',
  },
  {
    request: /states\/provision$/,
    path: TEXT,
    when: theirs(/^"Unexpected arguments: service_steps/),
    reason: 'An argument that came after 1.82: known, and refused with the verb.',
  },
  {
    path: TEXT,
    when: theirs(/^"Unrecognized fault/),
    reason: 'The faults that are listed include `service failure`, which came after 1.82.',
  },
  {
    request: /validate/,
    path: /^body\.firmware$/,
    reason: 'The firmware interface came after 1.82; validate tells of every interface whatever the version.',
  },
  // Headers
  {
    path: /^headers\.vary$/,
    when: theirs(/^absent$/),
    reason: 'A cache between client and server must know that the answer depends on the version headers.',
  },
  {
    path: /^headers\.x-openstack-ironic-api-(minimum-)?version$/,
    when: theirs(/^absent$/),
    reason: 'Every answer names its version; Debian’s leaves that out of what its router refuses.',
  },
  {
    path: /^headers\.allow$/,
    reason:
      'Allow names the methods of the route itself, HEAD too; Debian’s takes an item’s for its collection’s.',
  },
  // Routes that are no part of the API
  {
    path: /^status$/,
    when: ({ theirs: their, ours }) => their.startsWith('500 ') && !ours.startsWith('5'),
    reason: 'A fault of Debian’s Ironic: a request that it does not understand makes it fail with 500.',
  },
  {
    scenario: /^roots$/,
    request: /^(POST|PUT|PATCH|DELETE) \/(v1)?$/,
    path: /^(status|body)$/,
    reason: 'The roots are read only: 405, in the words of every other 405.',
  },
  {
    path: /^status$/,
    when: ({ request, theirs: their, ours }) =>
      /^40[034] /.test(their) &&
      /^(405 |404 \{"error_message":\{"code":404)/.test(ours) &&
      !isIronicRoute(request),
    reason:
      'A method that a path does not have is 405, and 404 where the path is newer than the version, whatever the name and the body; Debian’s looks at those first.',
  },
  {
    request: /^\S+ \/v1\/(runbooks|inspection_rules|continue_inspection)/,
    path: /^(status|body)$/,
    when: theirs(/404|Not Found/),
    reason: 'What came after 1.82 is not there yet; what is no GET is 405, as the source has it.',
  },
  {
    request: /^\S+ \/v1\/nodes\/[^/]+\/(children|firmware|vmedia)$/,
    path: /^(status|body)$/,
    when: ({ ours }) => ours.includes('"code":404'),
    reason: 'Parts of a node that came after 1.82 are not there yet, whatever the node.',
  },
  {
    path: /^(status|body|body\.error_message\.faultstring)$/,
    when: ({ request, theirs: their, ours }) =>
      request.includes('no%20such') &&
      /Expected (UUID or )?name for/.test(their) &&
      /Expected|Conductor no such|Request not acceptable/.test(ours),
    reason: 'A name that can be none is refused in one form.',
  },
  {
    path: /^(status|body\.error_message\.faultstring)$/,
    when: ({ theirs: their, ours }) =>
      /^(400 )?"(Missing mandatory parameter|Schema error for)/.test(their) &&
      /^(404 "Node |404 "Resource could not|"Malformed indicator)/.test(ours),
    reason: 'Whether there is such a path, and what it names, is looked at before the body.',
  },
  {
    request: /^\S+ \/v1\/image_cache(\/|$)/,
    path: /^(status|body)$/,
    when: theirs(/404|Not Found/),
    reason: 'The image cache can be seen and steered; Ironic has no such routes.',
  },
  {
    request: /^\S+ \/v1\/nodes\/[^/]+\/actions(\/|$)/,
    path: /^(status|body)$/,
    when: theirs(/404|Not Found|Request not acceptable|Field actions is not/),
    reason: 'Which verbs a node allows, and why not the others; Ironic has no such route.',
  },
  {
    request: /^\S+ \/v1\/nodes\/[^/]+\/(attempts|why)(\/|$)/,
    path: /^(status|body)$/,
    when: theirs(/404|Not Found|Request not acceptable|Field (attempts|why) is not/),
    reason: 'What was tried with a node, and why it failed; Ironic has no such routes.',
  },
  {
    request: /^\S+ \/v1\/summary(\/|\?|$)/,
    path: /^(status|body)$/,
    when: theirs(/404|Not Found/),
    reason: 'Numbers of nodes by state and the like; Ironic has no such route.',
  },
  {
    request: /\/history\/detail$/,
    path: /^status$/,
    reason: 'What `baremetal node history list --long` asks for; Debian’s looks for an entry of that name.',
  },
  {
    request: /^GET \/v1\/nodes\/validate$/,
    path: /^status$/,
    when: theirs(/^404 "Node None could not be found/),
    reason: 'A fault of Debian’s Ironic: it looks for a node where none is named.',
  },
  {
    path: /^body$/,
    when: ({ theirs: their, ours }) =>
      /"The resource could not be found\."/.test(their) && ours.includes('"code":404'),
    reason: 'What is 404 because its path does not exist is told in one form.',
  },
  {
    path: /^status$/,
    when: ({ theirs: their, ours }) =>
      /^(400 "Field|406 "Request not acceptable)/.test(their) &&
      ours.startsWith('404 {"error_message":{"code":404'),
    reason: 'A path that does not exist is 404; Debian’s takes the rest of a path for parameters.',
  },
  {
    path: /^status$/,
    when: ({ theirs: their, ours }) =>
      their.startsWith('405 ') && ours.startsWith('404 {"error_message":{"code":404'),
    reason: 'A path that does not exist is 404; Debian’s router names some of them 405.',
  },
  {
    scenario: /^port (lists|patch)$/,
    request: /^(POST \/v1\/nodes\/[^/]+\/ports|GET \/v1\/nodes\/[^/]+\/ports\/\S+|DELETE \/v1\/ports)$/,
    path: /^status$/,
    reason: 'Ports are made and read under /v1/ports; under a node they are only listed.',
  },
  {
    request: /^GET \/v1\/drivers\/properties/,
    path: /^status$/,
    reason:
      'A leftover of Debian’s router that is no part of the API: properties are under the driver’s name.',
  },
  {
    request: /^GET \/v1\/nodes\/(one|nosuch|[^/]+999999)\/(ports|portgroups)(\/detail)?$/,
    path: /^(status|body\.error_message\.faultstring)$/,
    when: theirs(/Portgroup None could not be found/),
    reason: 'A fault of Debian’s Ironic: it looks for a port group where a node is named.',
  },
  {
    request: /node=one&address=/,
    path: /^body\.ports/,
    reason: 'Two filters hold together; Debian’s forgets the address when a node is named.',
  },
  {
    request: /^GET \/v1\/nodes\/(one|nosuch)\/volume\//,
    path: /^status$/,
    when: theirs(/^404 "Node (one|nosuch) could not be found/),
    reason: 'A fault of Debian’s Ironic: the volumes of a node are found by its UUID only, not by its name.',
  },
  {
    request: /indicators\/system$/,
    path: /^status$/,
    reason:
      'A component’s lights can be listed, as `baremetal node indicator list` asks; Debian’s refuses that.',
  },
  {
    request: /\/inventory$/,
    path: TEXT,
    when: theirs(/^"Node inventory record for node \d+ could/),
    reason: 'A fault of Debian’s Ironic: it names a node by the number of its row.',
  },
  // Paging
  {
    path: /^body\.next$/,
    when: (finding) => pageOf(finding.theirs) === pageOf(finding.ours),
    reason:
      'The next page repeats what the client asked for; Debian’s adds its own default fields and spells True large.',
  },
];
