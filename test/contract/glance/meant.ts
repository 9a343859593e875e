import { theirs } from '../compare/report.js';
import type { Meant } from '../differ/meant/row.js';
import type { Finding } from '../differ/run.js';

const WORDS = /^body$/;
const ours = (pattern: RegExp) => (finding: Finding) => pattern.test(finding.ours);

/** Differences from Glance that are meant, and why. */
export const MEANT: readonly Meant[] = [
  {
    path: /\.stores$/,
    when: ours(/^absent$/),
    reason: 'An image does not show its stores: there is one, and `glance` dies where the schema names them.',
  },
  {
    request: /^GET \/v2\/schemas/,
    path: /properties\.(locations|stores)$/,
    when: ours(/^absent$/),
    reason: 'The schema has no locations and no stores: neither is had.',
  },
  {
    request: /^GET \/v2\/schemas/,
    path: /\.(kernel_id|ramdisk_id|instance_uuid|architecture|os_distro|os_version|description|cinder_encryption_key_(id|deletion_policy))$/,
    when: theirs(/"is_base":false/),
    reason:
      'Properties that a file of Debian’s configuration adds to the schema are properties like others here.',
  },
  {
    path: /^(headers\.openstack-image-import-methods|body\.import-methods\.value\[2\])$/,
    when: theirs(/copy-image/),
    reason: 'There is one store, so copy-image between stores is no way to import.',
  },
  {
    request: /^GET \/v2\/info\/stores$/,
    path: /^body\.stores/,
    reason: 'The one store has a name of its own, and a description.',
  },
  {
    request: /^GET \/versions$/,
    path: /^body\.versions/,
    reason: 'v2.8 and v2.10 to v2.13 stand for several stores and are not named.',
  },
  {
    request: /^GET \/v2\/images\/$/,
    path: /^status$/,
    reason: 'A slash behind a collection’s path does no harm.',
  },
  {
    request: /^GET \/v2\/?$/,
    path: /^status$/,
    when: ours(/^200 .*"versions"/),
    reason:
      '/v2 answers with the versions, where Glance has nothing: clients whose endpoint ends so ask there.',
  },
  {
    path: /^headers\.content-type$/,
    when: (finding) => finding.theirs === '"text/html"' && finding.ours === 'absent',
    reason: 'An answer without a body has no Content-Type.',
  },
  {
    path: /^headers\.accept-ranges$/,
    when: ours(/^"bytes"$/),
    reason: 'A download says that ranges of it can be had.',
  },
  {
    request: /^GET .*\/file$/,
    path: /^headers\.content-md5$/,
    when: ours(/^absent$/),
    reason: 'Content-MD5 stands with the whole image alone: of a part it would be wrong.',
  },
  {
    request: /^GET .*\/file$/,
    path: /^(headers\.content-range|body)$/,
    when: (finding) => /^("bytes \*|"")/.test(finding.ours),
    reason: '416 tells the size in Content-Range (RFC 9110) and has no body.',
  },
  {
    request: /^GET .*\/file$/,
    path: /^status$/,
    when: (finding) => /Invalid Range header/.test(finding.theirs) && finding.ours.startsWith('200'),
    reason: 'A Range that is none is ignored, as RFC 9110 says; Glance answers 416.',
  },
  {
    request: /^GET .*\/file$/,
    path: /^status$/,
    when: (finding) => /multiple ranges|^206/.test(finding.theirs) && finding.ours.startsWith('416'),
    reason:
      'Several ranges, and the last zero bytes, cannot be had: 416; Glance answers 400, and the whole image as 206.',
  },
  {
    request: /^HEAD .*\/file$/,
    path: /^status$/,
    reason: 'HEAD of an image’s bytes is answered; Glance has no such method.',
  },
  {
    path: /^headers\.allow$/,
    when: (finding) => finding.theirs.slice(0, -1).replace('GET', 'GET, HEAD') === finding.ours.slice(0, -1),
    reason: 'Where GET is, HEAD is.',
  },
  {
    path: WORDS,
    when: (finding) =>
      /^"The (method \w+ is not allowed|resource could not)/.test(finding.theirs) && finding.ours === '""',
    reason: 'A path or a method that there is not is answered without words.',
  },
  {
    path: WORDS,
    when: (finding) =>
      /media type .* is not supported/.test(finding.theirs) && /body must be/.test(finding.ours),
    reason: 'A body of the wrong type is refused with the type that it must have.',
  },
  {
    path: /^status$/,
    when: ours(/^415 .*body must be application\/json/),
    reason:
      'What is not called JSON is not read as JSON, since web pages may send such bodies to anybody; Glance reads it.',
  },
  {
    path: WORDS,
    when: theirs(/^"(Malformed JSON in request body|Unexpected body type)/),
    reason: 'What cannot be read as JSON, or is no object, is refused in other words.',
  },
  {
    path: WORDS,
    when: (finding) =>
      /Failed validating/.test(finding.theirs) &&
      /Provided object does not match schema 'image': /.test(finding.ours),
    reason: 'A value that does not fit is named with what it should be, without a print of the schema.',
  },
  {
    path: WORDS,
    when: (finding) =>
      finding.ours.slice(0, -1).startsWith(finding.theirs.slice(0, -2)) &&
      /Only shared images/.test(finding.ours),
    reason: 'Members of an image that is not shared are refused with the reason.',
  },
  {
    request: /^POST .*\/members$/,
    path: /^status$/,
    when: ours(/^400 "Member can't be empty"/),
    reason: 'A member is a text of at most 255 characters; Glance keeps anything.',
  },
  {
    scenario: /^create what cannot be$/,
    path: /^status$/,
    when: (finding) => /^201/.test(finding.theirs) && /^403 .*read-only/.test(finding.ours),
    reason: 'The hash cannot be set at creation; Glance forgets what it is given.',
  },
  {
    request: /\/import$/,
    path: /^status$/,
    when: (finding) => finding.theirs.startsWith('500') && finding.ours.startsWith('202'),
    reason:
      'An import is begun without Keystone, too; Glance fails at the token that it wants to keep for it.',
  },
  {
    request: /\/import$/,
    path: WORDS,
    when: theirs(/^"(URI for web-download does not pass filtering|Unknown import method name '7')/),
    reason: 'A request to import that has no name or no such URL is refused in other words.',
  },
  {
    path: /^status$/,
    when: (finding) => finding.theirs.startsWith('500') && finding.ours.startsWith('400'),
    reason: 'What Glance stumbles over (500) is refused as what it is (400).',
  },
  {
    request: /^PATCH/,
    path: /^status$/,
    when: ours(/Invalid JSON pointer/),
    reason: 'A property without a name cannot be set.',
  },
  {
    scenario: /^patch what cannot be$/,
    request: /^GET/,
    path: /^body\.$/,
    reason: 'That property then is not shown either.',
  },
  {
    scenario: /^create and show$/,
    path: /^(status|headers\.location|body\.(id|self|file))$/,
    when: (finding) => /D1FFE700|^404 "No image found/.test(finding.theirs),
    reason: 'UUIDs are the same in either case of letters.',
  },
  {
    scenario: /^tags$/,
    request: /^GET/,
    path: /^body\.tags\[\d\]$/,
    reason: 'A tag in a path is UTF-8; Glance takes its bytes for Latin-1.',
  },
  {
    request: /^GET \/v2\/images\?.*(sort_key=.*sort_key=|tag=.*tag=|arch=.*arch=)/,
    path: /^body\.first$/,
    reason: 'The link to the first page keeps parameters that stand there more than once.',
  },
  {
    request: /name=like:/,
    path: /^status$/,
    reason: 'A name with a colon in it can be asked for; Glance takes what is before it for an operator.',
  },
  {
    request: /(size|min_ram)=x$/,
    path: /^status$/,
    reason: 'A number that is none is refused; Glance finds nothing.',
  },
  {
    scenario: /^upload and download$/,
    request: /0003-4000-8000-000000000005/,
    path: /^(status|body\.(size|status|checksum|os_hash_algo|os_hash_value))$/,
    reason: 'Bytes are inspected as they come: what is not of its declared format, or unsafe, is refused.',
  },
];
