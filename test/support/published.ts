import type {
  BootService,
  Publication,
  PublishedName,
  Publisher,
} from '../../src/persistence/published-file/publication.js';
import type { PublishedEntry } from '../../src/persistence/published-file/published-file.repository.js';

/** Published files in memory, for tests without a database. */
export class PublishedInMemory {
  readonly publications: Publication[] = [];

  publish = async (publication: Publication): Promise<void> => {
    await this.withdraw(publication.node_uuid, publication.publisher);
    this.publications.push(publication);
  };

  withdraw = async (node_uuid: string, publisher: Publisher): Promise<void> => {
    const at = this.publications.findIndex(
      (one) => one.node_uuid === node_uuid && one.publisher === publisher,
    );
    if (at >= 0) this.publications.splice(at, 1);
  };

  /** Bytes fetched, by name. */
  readonly fetched = new Map<string, number>();

  noteFetched = async (fetched: readonly { service: BootService; name: string; bytes: number }[]) => {
    for (const { name, bytes } of fetched) this.fetched.set(name, (this.fetched.get(name) ?? 0) + bytes);
  };

  fetchedOf = async (node_uuid: string, publisher: Publisher): Promise<number | null> => {
    const files = this.files(node_uuid, publisher);
    return files.length === 0
      ? null
      : files.reduce((sum, { name }) => sum + (this.fetched.get(name) ?? 0), 0);
  };

  of = async (node_uuid: string, publisher: Publisher): Promise<PublishedName[]> =>
    this.files(node_uuid, publisher);

  files(node_uuid: string, publisher: Publisher): PublishedName[] {
    const found = this.publications.find((one) => one.node_uuid === node_uuid && one.publisher === publisher);
    return [...(found?.files ?? [])];
  }
}

/** A published file on disk, in the form that the repository takes. */
export function onDisk(service: BootService, name: string, path: string): PublishedName {
  return { service, name, content: { kind: 'file', path } };
}

/** The servers' view of the repository: files by path, or generated content, of one node. */
export function publishedFor(
  node_uuid: string,
  contents: Readonly<
    Record<string, string | Omit<Extract<PublishedEntry, { kind: 'generated' }>, keyof Shared>>
  >,
): { find(service: BootService, name: string): Promise<PublishedEntry | null> } {
  return {
    find: async (service, name) => {
      const content = Object.hasOwn(contents, name) ? contents[name] : undefined;
      if (content === undefined) return null;
      const shared: Shared = {
        service,
        name,
        node_uuid,
        for_machine: true,
        for_addresses: [],
        created_at: new Date(0),
      };
      return typeof content === 'string'
        ? { ...shared, kind: 'file', path: content }
        : { ...shared, ...content };
    },
  };
}

type Shared = Pick<
  PublishedEntry,
  'service' | 'name' | 'node_uuid' | 'for_machine' | 'for_addresses' | 'created_at'
>;
