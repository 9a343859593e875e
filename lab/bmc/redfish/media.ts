import {
  type Answer,
  type Body,
  type Call,
  collection,
  missingParameter,
  refuse,
  unknownParameter,
  unknownProperty,
} from './answer.js';
import type { Board, Resource, Resources } from './board.js';
import type { Slot } from './personality.js';

const PARAMETERS = [
  'Image',
  'Inserted',
  'WriteProtected',
  'TransferProtocolType',
  'TransferMethod',
  'UserName',
  'Password',
];

interface State {
  image: string | null;
  inserted: boolean;
  connected: boolean;
}

/** Virtual media slots, backed by the machine's drives. Slots of one kind below system and manager share a drive. */
export class VirtualMedia {
  readonly #states = new Map<string, State>();
  /** Time of the last eject, by performance.now(). */
  #ejected = Number.NEGATIVE_INFINITY;

  constructor(private readonly board: Board) {}

  /** Resources of the slots below a system or a manager. */
  resources(parent: string, slots: readonly Slot[]): Resources {
    const path = `${parent}/VirtualMedia`;
    const found: Resources = {
      [path]: {
        get: () =>
          collection(
            path,
            'VirtualMediaCollection',
            slots.map(({ id }) => `${path}/${id}`),
          ),
      },
    };
    for (const slot of slots) Object.assign(found, this.#slot(`${path}/${slot.id}`, slot));
    return found;
  }

  #slot(path: string, slot: Slot): Resources {
    const { quirks } = this.board;
    const own: Resource = { get: () => this.#body(path, slot) };
    const found: Resources = { [path]: own };
    if (quirks.mediaByPatch) {
      own.patch = (call) => this.#patch(path, slot, call);
      return found;
    }
    if (slot.kind === 'upload') return found;
    found[`${path}/Actions/VirtualMedia.InsertMedia`] = { post: (call) => this.#insert(path, slot, call) };
    found[`${path}/Actions/VirtualMedia.EjectMedia`] = { post: (call) => this.#ejectBy(path, slot, call) };
    return found;
  }

  #state(slot: Slot): State {
    const key = slot.kind === 'upload' ? slot.id : slot.kind;
    const state = this.#states.get(key) ?? { image: null, inserted: false, connected: false };
    this.#states.set(key, state);
    return state;
  }

  #body(path: string, slot: Slot): Body {
    const { quirks } = this.board;
    const { image, inserted, connected } = this.#state(slot);
    const action = (name: string) => ({
      [`#VirtualMedia.${name}`]: { target: `${path}/Actions/VirtualMedia.${name}` },
    });
    const ejects = !quirks.ejectWhenInserted || inserted;
    return {
      '@odata.id': path,
      '@odata.type': '#VirtualMedia.v1_4_0.VirtualMedia',
      Id: slot.id,
      Name: slot.name,
      MediaTypes: slot.types,
      Image: image,
      ImageName: image?.split('/').at(-1) ?? null,
      Inserted: inserted,
      ConnectedVia: connected ? 'URI' : 'NotConnected',
      WriteProtected: true,
      TransferMethod: null,
      TransferProtocolType: null,
      UserName: null,
      Password: null,
      ...(quirks.mediaByPatch || slot.kind === 'upload'
        ? {}
        : { Actions: { ...action('InsertMedia'), ...(ejects ? action('EjectMedia') : {}) } }),
    };
  }

  async #insert(path: string, slot: Slot, { body }: Call): Promise<Answer> {
    const { quirks } = this.board;
    const { Image: image } = body;
    for (const key of Object.keys(body)) {
      const known =
        PARAMETERS.includes(key) && !(quirks.imageOnly && ['Inserted', 'WriteProtected'].includes(key));
      if (!known) throw unknownParameter('VirtualMedia.InsertMedia', key);
    }
    if (typeof image !== 'string' || image === '')
      throw missingParameter('VirtualMedia.InsertMedia', 'Image');
    if (quirks.transferProtocolRequired && body['TransferProtocolType'] === undefined)
      throw missingParameter('VirtualMedia.InsertMedia', 'TransferProtocolType');
    if (quirks.mediaLoginRequired && (!body['UserName'] || !body['Password']))
      throw missingParameter('VirtualMedia.InsertMedia', body['UserName'] ? 'Password' : 'UserName');
    await this.#put(path, slot, image);
    return { status: 204 };
  }

  async #ejectBy(path: string, slot: Slot, { raw }: Call): Promise<Answer> {
    if (this.board.quirks.bodyRequired && raw.length === 0)
      throw refuse(415, 'UnsupportedMediaType', 'The request has no body of a media type that is supported.');
    await this.#take(path, slot);
    return { status: 204 };
  }

  async #patch(path: string, slot: Slot, { body }: Call): Promise<undefined> {
    for (const key of Object.keys(body)) if (!PARAMETERS.includes(key)) throw unknownProperty(key);
    if (slot.kind === 'upload')
      throw refuse(400, 'PropertyNotWritable', `${slot.id} takes no URL.`, ['Image']);
    const image = body['Image'];
    if (image === null || body['Inserted'] === false) await this.#take(path, slot);
    else if (typeof image === 'string') await this.#put(path, slot, image);
    else throw refuse(400, 'PropertyMissing', 'Image is missing.', ['Image']);
    return undefined;
  }

  async #put(path: string, slot: Slot, image: string): Promise<void> {
    const { quirks, faults, machine } = this.board;
    const state = this.#state(slot);
    if (faults.take('refuses-media')) throw refuse(400, 'GeneralError', 'The medium cannot be connected.');
    if (performance.now() - this.#ejected < quirks.ejectBusy)
      throw refuse(500, 'InternalError', 'The previous medium is still being disconnected.');
    // A stale slot is free, whatever it reports.
    if (state.connected) {
      throw refuse(400, 'ResourceInUse', 'A medium is inserted already; eject it first.', [slot.id]);
    }
    if (quirks.plainUrls && /[?=&]/.test(image))
      throw refuse(
        400,
        'PropertyValueFormatError',
        'The URL of the image has characters that are not supported.',
      );
    let bytes = 0;
    if (!faults.take('claims-media') && slot.kind !== 'upload' && machine.drives?.kinds.includes(slot.kind)) {
      try {
        const file = await this.board.download(image, slot.kind);
        await machine.drives.insert(slot.kind, file.path);
        bytes = file.bytes;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw refuse(400, 'ResourceAtUriUnauthorized', `The image at ${image} cannot be read: ${why}`, [
          image,
        ]);
      }
    }
    Object.assign(state, { image, inserted: true, connected: true });
    this.board.event({ kind: 'inserted', slot: slot.id, url: image, bytes });
    this.board.changed(path, 'ResourceEvent.1.2.ResourceChanged', 'A medium was inserted.');
  }

  async #take(path: string, slot: Slot): Promise<void> {
    const { quirks, machine } = this.board;
    const state = this.#state(slot);
    if (slot.kind !== 'upload') await machine.drives?.eject(slot.kind);
    if (state.connected) this.#ejected = performance.now();
    state.connected = false;
    if (!quirks.staleInserted) state.inserted = false;
    if (!quirks.staleInserted && !quirks.staleImage) state.image = null;
    this.board.event({ kind: 'ejected', slot: slot.id });
    this.board.changed(path, 'ResourceEvent.1.2.ResourceChanged', 'A medium was ejected.');
  }
}
