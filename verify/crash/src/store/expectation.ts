import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import type { FileKeyStore } from '@keywrap/provider-local/file-store';
import type { Line, Outcome, Step } from './journal.js';

interface Key {
  /** The state that was acknowledged last. */
  state: string;
  /** How many materials it has at least. */
  materials: number;
}

const STATE_AFTER: Partial<Record<Step['do'], string>> = {
  enable: 'Enabled',
  import: 'Enabled',
  disable: 'Disabled',
  cancel: 'Disabled',
  delete: 'PendingDeletion',
};

/** What a store must hold, after what it has acknowledged. */
export class Expectation {
  readonly #keys = new Map<string, Key>();
  readonly #aliases = new Map<string, string>();
  readonly #blobs: { readonly ciphertext: string; readonly plaintext: string }[] = [];
  /** Steps that began and were not acknowledged: either is right, that they were made and that not. */
  readonly #open: Step[] = [];

  /** How much it expects. */
  get size() {
    return {
      keys: this.#keys.size,
      aliases: this.#aliases.size,
      ciphertexts: this.#blobs.length,
    };
  }

  /** Whether nothing was acknowledged yet. */
  get isEmpty(): boolean {
    return this.#keys.size === 0;
  }

  /** Takes in what one process wrote down. */
  add(lines: readonly Line[]): void {
    let begun: Step | undefined;
    for (const line of lines) {
      if ('begin' in line) begun = line.begin;
      if ('failed' in line) this.#open.push(line.failed);
      if ('done' in line) {
        begun = undefined;
        this.#apply(line.done, line);
      }
    }
    if (begun !== undefined) this.#open.push(begun);
  }

  /** Says what of it the store does not hold; nothing, if all is well. */
  async missingFrom(store: FileKeyStore): Promise<string[]> {
    const missing: string[] = [];
    const records = new Map((await store.listKeys()).map((record) => [record.id, record]));
    for (const [id, key] of this.#keys) {
      const record = records.get(id);
      if (record === undefined) missing.push(`key ${id}`);
      else if (record.keyState !== key.state && !this.#isOpen(id, record.keyState)) {
        missing.push(`state ${key.state} of key ${id}: it is ${record.keyState}`);
      } else if (record.materials.length < key.materials) missing.push(`material of key ${id}`);
      // What is there is right from now on: the next process goes on from it.
      if (record !== undefined) key.state = record.keyState;
    }
    const aliases = new Map(await store.listAliases());
    for (const [alias, id] of this.#aliases) {
      const target = aliases.get(alias);
      const step = this.#open.find(
        (candidate) => 'alias' in candidate && candidate.alias === alias,
      );
      if (target !== id && step === undefined) missing.push(`alias ${alias}`);
      if (target === undefined) this.#aliases.delete(alias);
      else this.#aliases.set(alias, target);
    }
    this.#open.length = 0;
    return [...missing, ...(await this.#unopened(store))];
  }

  #apply(step: Step, outcome: Outcome): void {
    const id = 'id' in step ? step.id : (outcome.id as string);
    const key = this.#keys.get(id);
    if (step.do === 'create' || step.do === 'create-external') {
      const isMade = step.do === 'create';
      this.#keys.set(id, {
        state: isMade ? 'Enabled' : 'PendingImport',
        materials: isMade ? 1 : 0,
      });
    }
    if (key !== undefined) {
      key.state = STATE_AFTER[step.do] ?? key.state;
      if (step.do === 'rotate' || step.do === 'import') key.materials += 1;
    }
    if (step.do === 'encrypt') {
      this.#blobs.push({ ciphertext: outcome.ciphertext as string, plaintext: step.plaintext });
    }
    if (step.do === 'remove-alias') this.#aliases.delete(step.alias);
    else if ('alias' in step) this.#aliases.set(step.alias, id);
  }

  #isOpen(id: string, state: string): boolean {
    return this.#open.some(
      (step) => 'id' in step && step.id === id && STATE_AFTER[step.do] === state,
    );
  }

  /** Opens every ciphertext, with a copy of the keys in which all are enabled. */
  async #unopened(store: FileKeyStore): Promise<string[]> {
    const copies = new MemoryKeyStore();
    for (const { deletionDate: _, ...record } of await store.listKeys()) {
      copies.changeKey(record.id, () => ({ ...record, keyState: 'Enabled' }));
    }
    const provider = new LocalKeyWrapProvider({ store: copies });
    const unopened: string[] = [];
    for (const { ciphertext, plaintext } of this.#blobs) {
      try {
        const opened = await provider.decrypt({ ciphertext: Buffer.from(ciphertext, 'base64') });
        if (Buffer.from(opened.plaintext).toString('base64') !== plaintext)
          throw new Error('other');
      } catch (error) {
        unopened.push(`a ciphertext: ${error}`);
      }
    }
    await provider.close();
    return unopened;
  }
}
